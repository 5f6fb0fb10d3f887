/**
 * In: the environment (vendure-config.js says what). Out: the running shop, until SIGTERM.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
'use strict';

const { bootstrap, JobQueueService } = require('@vendure/core');
const { config } = require('./vendure-config');

bootstrap(config)
    .then(app => app.get(JobQueueService).start())
    .catch(error => {
        console.error(error);
        process.exit(1);
    });
