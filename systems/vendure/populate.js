/**
 * In: an empty database and the catalogue (path in SHOP_CATALOGUE). Out: the shop's schema, its
 * settings and products, and a sync administrator whose key is written to SHOP_SECRETS_FILE.
 *
 * Stock starts at zero: bringing it is Syncline's work.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const {
    AdministratorService,
    ChannelService,
    CurrencyCode,
    FastImporterService,
    JobQueueService,
    LanguageCode,
    Permission,
    RequestContextService,
    RoleService,
    TaxCategory,
    TransactionalConnection,
    User,
    bootstrap,
} = require('@vendure/core');
// Vendure's index leaves this one out.
const { ApiKeyService } = require('@vendure/core/dist/service/services/api-key.service');
const { populate } = require('@vendure/core/cli');
const { config } = require('./vendure-config');

const SYNC_EMAIL = 'syncline@localhost.invalid';
// What the sinks do and nothing more: no settings, no administrators, no promotions.
const SYNC_PERMISSIONS = [
    Permission.ReadCatalog,
    Permission.UpdateCatalog,
    Permission.CreateCatalog,
    Permission.ReadProduct,
    Permission.ReadStockLocation,
    Permission.ReadTaxCategory,
    Permission.ReadCountry,
    Permission.ReadOrder,
    Permission.UpdateOrder,
    Permission.ReadCustomer,
    Permission.CreateCustomer,
    Permission.UpdateCustomer,
    Permission.ReadCustomerGroup,
];

const EUROPE = 'Europe';

/** Everything but the products, in the form of Vendure's own `populate`. */
function initialData(catalogue) {
    const standard = percentage(catalogue.taxes.find(tax => tax.code === 'TVA20').rate);
    return {
        defaultLanguage: LanguageCode.fr,
        defaultZone: EUROPE,
        countries: catalogue.countries.map(({ code, name }) => ({ code, name, zone: EUROPE })),
        taxRates: catalogue.taxes.map(tax => ({ name: tax.name, percentage: percentage(tax.rate) })),
        shippingMethods: [
            { name: 'Colissimo', price: 490, taxRate: standard },
            { name: 'Chronopost', price: 1295, taxRate: standard },
            { name: 'Retrait en boutique', price: 0, taxRate: standard },
        ],
        // A card pays at once; a transfer is promised, and settled when the money is there.
        paymentMethods: [
            { name: 'card', handler: dummyPayment(true) },
            { name: 'transfer', handler: dummyPayment(false) },
        ],
        collections: [],
    };
}

function dummyPayment(settles) {
    return {
        code: 'dummy-payment-handler',
        arguments: [{ name: 'automaticSettle', value: String(settles) }],
    };
}

/** Turn a rate such as "0.055" into per cent, without the noise of binary fractions. */
function percentage(rate) {
    return Math.round(Number(rate) * 1e8) / 1e6;
}

/** Turn a decimal string into minor units without ever multiplying a fraction. */
function cents(gross) {
    const [euros, fraction = ''] = gross.split('.');
    return Number(euros) * 100 + Number(fraction.padEnd(2, '0'));
}

async function setUpChannel(app, ctx) {
    const channels = app.get(ChannelService);
    const channel = await channels.getDefaultChannel(ctx);
    await channels.update(ctx, {
        id: channel.id,
        pricesIncludeTax: true,
        defaultCurrencyCode: CurrencyCode.EUR,
        availableCurrencyCodes: [CurrencyCode.EUR],
        defaultLanguageCode: LanguageCode.fr,
        availableLanguageCodes: [LanguageCode.fr, LanguageCode.en],
    });
}

function translations(names, more = () => ({})) {
    return Object.entries(names).map(([languageCode, name]) => ({ languageCode, name, ...more(name) }));
}

async function importProduct(importer, item, taxCategoryId) {
    const productId = await importer.createProduct({
        translations: translations(item.name, () => ({ slug: item.code.toLowerCase(), description: '' })),
        customFields: { externalId: item.code },
    });
    let groupId;
    if (item.option) {
        groupId = await importer.createProductOptionGroup({
            code: `${item.code.toLowerCase()}-option`,
            translations: translations(item.option),
        });
        await importer.addOptionGroupToProduct(productId, groupId);
    }
    for (const variant of item.variants) {
        const optionIds = [];
        if (groupId) {
            optionIds.push(
                await importer.createProductOption({
                    productOptionGroupId: groupId,
                    code: variant.sku.toLowerCase(),
                    translations: translations({ fr: variant.value, en: variant.value }),
                }),
            );
        }
        await importer.createProductVariant({
            productId,
            sku: variant.sku,
            price: cents(variant.gross),
            taxCategoryId,
            optionIds,
            stockOnHand: 0,
            trackInventory: 'TRUE',
            translations: translations(item.name).map(({ languageCode, name }) => ({
                languageCode,
                name: variant.value ? `${name} – ${variant.value}` : name,
            })),
            customFields: { externalId: variant.sku },
        });
    }
}

async function importProducts(app, ctx, catalogue) {
    const importer = app.get(FastImporterService);
    await importer.initialize(await app.get(ChannelService).getDefaultChannel(ctx));
    const categories = await app.get(TransactionalConnection).getRepository(ctx, TaxCategory).find();
    for (const item of catalogue.products) {
        const name = catalogue.taxes.find(tax => tax.code === item.tax).name;
        await importProduct(importer, item, categories.find(category => category.name === name).id);
    }
}

/** Make the administrator that the sinks act as, with a key of its own, and give its secrets. */
async function makeSyncAdministrator(app, ctx) {
    const role = await app.get(RoleService).create(ctx, {
        code: 'syncline',
        description: 'What Syncline may do',
        permissions: SYNC_PERMISSIONS,
        channelIds: [ctx.channelId],
    });
    const password = crypto.randomBytes(24).toString('base64url');
    await app.get(AdministratorService).create(ctx, {
        emailAddress: SYNC_EMAIL,
        firstName: 'Syncline',
        lastName: 'Sync',
        password,
        roleIds: [role.id],
    });
    const syncCtx = await contextOf(app, SYNC_EMAIL);
    const { apiKey } = await app.get(ApiKeyService).create(syncCtx, {
        roleIds: [role.id],
        translations: [{ languageCode: LanguageCode.en, name: 'syncline' }],
    });
    return { username: SYNC_EMAIL, password, api_key: apiKey };
}

/** Act as the user whose login is *identifier*. */
async function contextOf(app, identifier) {
    const user = await app
        .get(TransactionalConnection)
        .rawConnection.getRepository(User)
        .findOneOrFail({ where: { identifier }, relations: { roles: { channels: true } } });
    return app.get(RequestContextService).create({ apiType: 'admin', user, languageCode: LanguageCode.fr });
}

async function main() {
    const catalogue = JSON.parse(fs.readFileSync(process.env.SHOP_CATALOGUE, 'utf8'));
    const start = async () => {
        const app = await bootstrap(config);
        await app.get(JobQueueService).start();
        const ctx = await contextOf(app, config.authOptions.superadminCredentials.identifier);
        await setUpChannel(app, ctx);
        return app;
    };
    const app = await populate(start, initialData(catalogue));
    const ctx = await contextOf(app, config.authOptions.superadminCredentials.identifier);
    await importProducts(app, ctx, catalogue);
    const secrets = await makeSyncAdministrator(app, ctx);
    fs.writeFileSync(process.env.SHOP_SECRETS_FILE, JSON.stringify(secrets, null, 1), { mode: 0o600 });
    await app.close();
}

main().then(
    () => process.exit(0),
    error => {
        console.error(error);
        process.exit(1);
    },
);
