/**
 * In: the environment (port, database, secrets). Out: the configuration of a French B2C shop with
 * GraphQL APIs only: no admin interface, no assets, no search index, no mail.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
'use strict';

const crypto = require('node:crypto');
const {
    DefaultLogger,
    LanguageCode,
    LogLevel,
    RandomBytesApiKeyStrategy,
    dummyPaymentHandler,
} = require('@vendure/core');
const { GroupPricePlugin } = require('./group-price-plugin');
const { SyncOriginPlugin } = require('./sync-origin-plugin');

/** Give an environment variable, or stop with a sentence that says what to set. */
function required(name) {
    const value = process.env[name];
    if (!value) {
        throw new Error(`${name} is not set. The shop reads its ports, database and secrets from the environment.`);
    }
    return value;
}

/** Marks by which Syncline recognises a record and its own last write to it. */
function marks() {
    return [
        { name: 'externalId', type: 'string', nullable: true, index: true, public: false },
        { name: 'syncOrigin', type: 'string', nullable: true, public: false },
        { name: 'syncVersion', type: 'string', nullable: true, public: false },
    ];
}

// A key is 256 random bits, so one SHA-256 is enough; the default, bcrypt, costs 200 ms on each call.
const sha256 = text => crypto.createHash('sha256').update(text).digest('hex');
const apiKeys = new RandomBytesApiKeyStrategy({
    lastUsedAtUpdateInterval: '1d',
    hashingStrategy: {
        hash: async secret => sha256(secret),
        check: async (secret, hash) => sha256(secret) === hash,
    },
});

exports.config = {
    logger: new DefaultLogger({ level: LogLevel[process.env.SHOP_LOG_LEVEL || 'Info'], timestamp: true }),
    defaultLanguageCode: LanguageCode.fr,
    apiOptions: {
        hostname: process.env.SHOP_HOST || '127.0.0.1',
        port: Number(required('SHOP_PORT')),
        adminApiPath: 'admin-api',
        shopApiPath: 'shop-api',
        introspection: true,
        // One screenful is 100 by default; a sink reads many SKUs in one query.
        adminListQueryLimit: 1000,
    },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        requireVerification: false,
        superadminCredentials: {
            identifier: required('SHOP_SUPERADMIN_USERNAME'),
            password: required('SHOP_SUPERADMIN_PASSWORD'),
        },
        cookieOptions: { secret: required('SHOP_COOKIE_SECRET') },
        adminApiKeyStrategy: apiKeys,
    },
    dbConnectionOptions: {
        type: 'postgres',
        host: required('SHOP_DB_HOST'),
        port: Number(required('SHOP_DB_PORT')),
        username: required('SHOP_DB_USER'),
        password: process.env.SHOP_DB_PASSWORD || '',
        database: required('SHOP_DB_NAME'),
        schema: 'public',
        // The schema is made once, by populate.js.
        synchronize: process.env.SHOP_SYNCHRONIZE === 'true',
        migrations: [],
        logging: false,
    },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    customFields: {
        Product: marks(),
        ProductVariant: marks(),
        ProductVariantPrice: marks(),
        Customer: marks(),
        Address: marks(),
        CustomerGroup: marks(),
        Fulfillment: marks(),
        Payment: marks(),
        Refund: marks(),
        OrderLine: marks(),
        Order: [...marks(), { name: 'invoiceNumber', type: 'string', nullable: true }],
    },
    plugins: [GroupPricePlugin, SyncOriginPlugin],
};
