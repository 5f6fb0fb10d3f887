/**
 * In: prices per variant and customer group, by one batch mutation. Out: the shop shows and charges
 * the lowest of them to a signed-in customer of the group (flow 3).
 *
 * Plain JavaScript: decorators are applied by hand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
'use strict';

const {
    Allow,
    Ctx,
    Customer,
    Permission,
    PluginCommonModule,
    RequestContextCacheService,
    Transaction,
    TransactionalConnection,
    VendureEntity,
    VendurePlugin,
} = require('@vendure/core');
// Vendure's index leaves this one out.
const {
    DefaultProductVariantPriceCalculationStrategy,
} = require('@vendure/core/dist/config/catalog/default-product-variant-price-calculation-strategy');
const { Args, Mutation, Resolver } = require('@nestjs/graphql');
const { Inject } = require('@nestjs/common');
const { Column, Entity, Unique } = require('typeorm');
const { parse } = require('graphql');

const KEY = ['variantId', 'customerGroupId', 'currencyCode'];

class CustomerGroupPrice extends VendureEntity {}
for (const name of ['variantId', 'customerGroupId', 'price']) {
    Column('int')(CustomerGroupPrice.prototype, name);
}
Column('varchar')(CustomerGroupPrice.prototype, 'currencyCode');
for (const name of ['syncOrigin', 'syncVersion']) {
    Column('varchar', { nullable: true })(CustomerGroupPrice.prototype, name);
}
Unique(KEY)(CustomerGroupPrice);
Entity()(CustomerGroupPrice);

class GroupPriceCalculation extends DefaultProductVariantPriceCalculationStrategy {
    init(injector) {
        super.init(injector);
        this.connection = injector.get(TransactionalConnection);
        this.cache = injector.get(RequestContextCacheService);
    }

    async calculate(args) {
        const price = await this.groupPrice(args.ctx, args.productVariant.id);
        return super.calculate(price === undefined ? args : { ...args, inputPrice: price });
    }

    async groupPrice(ctx, variantId) {
        const groupIds = ctx.activeUserId ? await this.groupIds(ctx) : [];
        if (!groupIds.length) {
            return undefined;
        }
        const row = await this.connection
            .getRepository(ctx, CustomerGroupPrice)
            .createQueryBuilder('price')
            .where('price.variantId = :variantId', { variantId })
            .andWhere('price.customerGroupId IN (:...groupIds)', { groupIds })
            .andWhere('price.currencyCode = :currency', { currency: ctx.currencyCode })
            .orderBy('price.price', 'ASC')
            .limit(1)
            .getOne();
        return row ? row.price : undefined;
    }

    groupIds(ctx) {
        return this.cache.get(ctx, `customer-groups:${ctx.activeUserId}`, async () => {
            const customer = await this.connection.getRepository(ctx, Customer).findOne({
                where: { user: { id: ctx.activeUserId } },
                relations: { groups: true },
            });
            return customer ? customer.groups.map(group => group.id) : [];
        });
    }
}

class GroupPriceResolver {
    constructor(connection) {
        this.connection = connection;
    }

    async setCustomerGroupPrices(ctx, { input }) {
        const rows = input.map(row => ({
            ...row,
            variantId: Number(row.variantId),
            customerGroupId: Number(row.customerGroupId),
            updatedAt: new Date(),
        }));
        await this.connection.getRepository(ctx, CustomerGroupPrice).upsert(rows, KEY);
        return rows.length;
    }
}
Inject(TransactionalConnection)(GroupPriceResolver, undefined, 0);
Ctx()(GroupPriceResolver.prototype, 'setCustomerGroupPrices', 0);
Args()(GroupPriceResolver.prototype, 'setCustomerGroupPrices', 1);
const descriptor = Object.getOwnPropertyDescriptor(GroupPriceResolver.prototype, 'setCustomerGroupPrices');
for (const decorate of [Allow(Permission.UpdateCatalog), Transaction(), Mutation()]) {
    decorate(GroupPriceResolver.prototype, 'setCustomerGroupPrices', descriptor);
}
Resolver()(GroupPriceResolver);

class GroupPricePlugin {}
VendurePlugin({
    imports: [PluginCommonModule],
    compatibility: '^3.0.0',
    entities: [CustomerGroupPrice],
    adminApiExtensions: {
        schema: parse(`
            input CustomerGroupPriceInput {
                variantId: ID!
                customerGroupId: ID!
                currencyCode: CurrencyCode!
                price: Money!
                syncOrigin: String
                syncVersion: String
            }
            extend type Mutation {
                setCustomerGroupPrices(input: [CustomerGroupPriceInput!]!): Int!
            }
        `),
        resolvers: [GroupPriceResolver],
    },
    configuration: config => {
        config.catalogOptions.productVariantPriceCalculationStrategy = new GroupPriceCalculation();
        return config;
    },
})(GroupPricePlugin);

module.exports = { GroupPricePlugin };
