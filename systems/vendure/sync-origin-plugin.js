/**
 * In: an Admin API call with the header `x-sync-id`. Out: the same id in the database's log, in the
 * same transaction, so that whoever reads the log knows whose write it was (Invariant 6).
 *
 * No table is needed: PostgreSQL carries the id as a logical decoding message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
'use strict';

const {
    CustomerAddressEvent,
    CustomerEvent,
    EventBus,
    FulfillmentEvent,
    FulfillmentStateTransitionEvent,
    HistoryEntryEvent,
    Order,
    OrderEvent,
    OrderStateTransitionEvent,
    PaymentStateTransitionEvent,
    PluginCommonModule,
    ProductEvent,
    ProductVariantEvent,
    ProductVariantPriceEvent,
    RefundEvent,
    RefundStateTransitionEvent,
    StockMovementEvent,
    TransactionalConnection,
    VendurePlugin,
} = require('@vendure/core');
const { Inject } = require('@nestjs/common');

const PREFIX = 'syncline-origin';
const HEADER = 'x-sync-id';
const EVENTS = [
    CustomerAddressEvent,
    CustomerEvent,
    FulfillmentEvent,
    FulfillmentStateTransitionEvent,
    HistoryEntryEvent,
    OrderEvent,
    OrderStateTransitionEvent,
    PaymentStateTransitionEvent,
    ProductEvent,
    ProductVariantEvent,
    ProductVariantPriceEvent,
    RefundEvent,
    RefundStateTransitionEvent,
    StockMovementEvent,
].filter(Boolean);

class SyncOriginPlugin {
    constructor(eventBus, connection) {
        this.eventBus = eventBus;
        this.connection = connection;
        this.marked = new WeakSet();
    }

    onApplicationBootstrap() {
        this.eventBus.registerBlockingEventHandler({
            id: 'sync-origin',
            event: EVENTS,
            handler: event => this.mark(event.ctx),
        });
    }

    /** Write the mark once per request; an event's blocking handler runs inside its transaction. */
    async mark(ctx) {
        const request = ctx && ctx.req;
        const id = request && request.headers && request.headers[HEADER];
        if (!id || this.marked.has(request)) {
            return;
        }
        this.marked.add(request);
        await this.connection
            .getRepository(ctx, Order)
            .query('select pg_logical_emit_message(true, $1::text, $2::text)', [PREFIX, String(id)]);
    }
}
Inject(EventBus)(SyncOriginPlugin, undefined, 0);
Inject(TransactionalConnection)(SyncOriginPlugin, undefined, 1);
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(SyncOriginPlugin);

module.exports = { SyncOriginPlugin };
