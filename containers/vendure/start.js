/**
 * In: secrets in files and a PostgreSQL database. Out: a seeded and running shop.
 *
 * `seed` fills the database once, the first time; `serve` runs the shop.
 */
'use strict';

const fs = require('node:fs');
const { spawnSync } = require('node:child_process');

const SEEDED = 'seeded for Syncline';
const SYNC_KEYS = '/keys/sync/syncline_vendure';
const OWNER_KEYS = '/keys/owner/shop.json';

/** What vendure-config.js reads: names from compose, secrets from the files that it mounts. */
function fillEnvironment() {
    const secret = name => fs.readFileSync(process.env[name], 'utf8').trim();
    Object.assign(process.env, {
        SHOP_DB_PORT: '5432',
        SHOP_DB_NAME: 'shop',
        SHOP_DB_USER: 'shop',
        SHOP_DB_PASSWORD: secret('SHOP_DB_PASSWORD_FILE'),
        SHOP_SUPERADMIN_USERNAME: 'owner',
        SHOP_SUPERADMIN_PASSWORD: secret('SHOP_OWNER_PASSWORD_FILE'),
        SHOP_COOKIE_SECRET: secret('SHOP_COOKIE_SECRET_FILE'),
    });
}

/** Leave credentials, whole or not at all, where only our own account reads them. */
function handOver(file, value) {
    const draft = `${file}.draft`;
    fs.rmSync(draft, { force: true });
    fs.writeFileSync(draft, JSON.stringify(value), { mode: 0o400 });
    fs.renameSync(draft, file);
}

async function seed() {
    fillEnvironment();
    const { Client } = require('pg');
    const client = new Client({
        host: process.env.SHOP_DB_HOST,
        user: 'shop',
        database: 'shop',
        password: process.env.SHOP_DB_PASSWORD,
    });
    await client.connect();
    const { rows } = await client.query(
        "select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()",
    );
    if (rows[0].comment === SEEDED && fs.existsSync(SYNC_KEYS)) {
        console.log('the shop is seeded already');
        return client.end();
    }
    if (rows[0].comment === SEEDED) {
        throw new Error(
            "The shop's database is seeded, but the volume with its keys is gone: nobody can log in. " +
                'Start again with `docker compose down --volumes`.',
        );
    }
    // Half a seed is begun anew.
    await client.query('drop schema public cascade');
    await client.query('create schema public');
    console.log('setting up the shop and its catalogue (once)');
    const secrets = '/var/lib/shop/administrator.json';
    const done = spawnSync(process.execPath, ['populate.js'], {
        cwd: __dirname,
        stdio: 'inherit',
        env: { ...process.env, SHOP_PORT: '0', SHOP_SYNCHRONIZE: 'true', SHOP_SECRETS_FILE: secrets },
    });
    if (done.status !== 0) {
        throw new Error('The shop could not be set up; the reason stands above.');
    }
    const { username, password } = JSON.parse(fs.readFileSync(secrets, 'utf8'));
    fs.rmSync(secrets);
    handOver(SYNC_KEYS, { username, password });
    handOver(OWNER_KEYS, { username: 'owner', password: process.env.SHOP_SUPERADMIN_PASSWORD });
    await client.query(`comment on database shop is '${SEEDED}'`);
    return client.end();
}

function serve() {
    fillEnvironment();
    require('./index');
}

Promise.resolve({ seed, serve }[process.argv[2]]()).catch(error => {
    console.error(error.message);
    process.exit(1);
});
