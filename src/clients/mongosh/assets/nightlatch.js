'use strict';
// The guard that nightlatch puts into mongosh, loaded before anything of the person's.
//
// It tells nightlatch each statement before it runs and each command that is not a plain read before
// the driver sends it, over a unix socket, and waits for the answer. It decides nothing. One message
// is one line of JSON; see src/tap/protocol.rs.
const net = require('net');

const PROTOCOL = 1;

// mongosh lets no try/catch of the person's take an error with the first, and waits for a promise
// with the second as if `await` stood before it.
const UNCATCHABLE = Symbol.for('@@mongosh.uncatchable');
const AWAITED = Symbol.for('@@mongosh.syntheticPromise');

// What is not asked about: it changes nothing that is there. Everything else is nightlatch's to judge.
const PLAIN = new Set(('hello ismaster isMaster ping buildInfo buildinfo find getMore count distinct insert ' +
  'listCollections listDatabases listIndexes listCommands killCursors startSession endSessions refreshSessions ' +
  'connectionStatus getParameter getCmdLineOpts hostInfo serverStatus dbStats dbstats collStats collstats top ' +
  'currentOp getLog explain dataSize dbHash getDefaultRWConcern saslStart saslContinue authenticate logout ' +
  'atlasVersion replSetGetStatus replSetGetConfig usersInfo rolesInfo commitTransaction abortTransaction').split(' '));

// A statement with more conditions than this shows no figures.
const MOST_COUNTED = 20;

// How long the server may take for them, in milliseconds.
const COUNT_MS = 1500;

// How long a lease holds, in milliseconds: the hour may change, and what nightlatch knows.
const LEASE_MS = 1000;

// How long nightlatch waits to be told of what needs no answer, in milliseconds, and of how much.
const SOON_MS = 10;
const MOST_SOON = 32;

// How often the prompt waits for questions that a statement has left behind.
const MOST_WAITS = 20;

// How long it waits for their connections, in milliseconds: a new one to a server far away.
const CONNECTION_MS = 200;

let shell;        // mongosh's state
let EJSON;
let path;         // the socket's name
let socket = null;
let turn = Promise.resolve();
let waiting = null;
let questions = 0;
let checkingOut = 0;  // what waits for a connection
let numbered = 0;     // statements and operations
let lease = null;     // what may go on by itself for now: `{ kind, left, until, isQuiet, count }`
let soon = [];        // what nightlatch is to be told of with the next line
let timer = null;     // by when, if there is no next one
let touched = null;   // documents that the statement has written to, if that is known
let running = 0;      // statements, each within the one before
let answering = 0;    // how long questions have taken, in milliseconds

// A getter, for the driver copies what an error has of its own onto others.
class Refused extends Error {
  get name() { return 'Refused'; }
}

// ---------------------------------------------------------------------------- the line to nightlatch

function connect() {
  return new Promise((done, failed) => {
    let text = '';
    const made = net.connect(path, () => { socket = made; lease = null; done(); });
    const lost = (error) => {
      if (socket === made) socket = null;
      failed(error);
      waiting?.('lost');
    };
    made.setEncoding('utf8').on('error', lost).on('close', () => lost(new Error('closed'))).on('data', (data) => {
      text += data;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) waiting?.(text.slice(0, end));
    });
    made.unref();
  });
}

function write(...messages) {
  if (lease?.count) soon.push({ t: 'again', count: lease.count });
  if (lease) lease.count = 0;
  clearTimeout(timer);
  timer = null;
  const lines = soon.concat(messages).map((one) => `{"pid":${process.pid},${JSON.stringify(one).slice(1)}\n`);
  soon = [];
  socket?.write(lines.join(''));
}

// What a lease covers is told of with others: each line by itself would cost more than an operation may.
function tellSoon(message) {
  soon.push(message);
  if (soon.length >= MOST_SOON) return write();
  timer ??= setTimeout(write, SOON_MS).unref();
}

// One question at a time. `count` finds figures where nightlatch wants them for a person it asks.
function ask(message, count) {
  questions++;
  const answer = turn.then(() => exchange(message, count));
  turn = answer.catch(() => {});
  return answer;
}

async function exchange(message, count) {
  const interrupted = shell.interrupted.asPromise(), begin = performance.now();
  let isShown = false;
  try {
    if (!socket) await connect();
    let figures = null;
    const answered = new Promise((done) => {
      waiting = (line) => {
        if (line !== 'count') return done(line);
        isShown = true;
        figures = Promise.resolve(count?.()).then((found) => write({ t: 'figures', ...found }))
          .catch(() => { if (socket) write({ t: 'figures' }); });
      };
    });
    socket.ref();
    write(message);
    const line = await Promise.race([answered, interrupted.promise]);
    // Two commands on one connection would meet.
    await figures;
    return line;
  } catch (error) {
    if (!shell.interrupted.isSet()) return 'lost';
    // Closing the line takes the question back.
    socket?.destroy();
    socket = null;
    throw error;
  } finally {
    waiting = null;
    answering += performance.now() - begin;
    interrupted.destroy();
    socket?.unref();
    // The question has taken the place of the prompt.
    if (isShown && !running && shell.isInteractive) shell.evaluationListener.runtimeState().repl?.displayPrompt(true);
  }
}

// Tells what needs no answer.
function tell(message) {
  ask(message).catch(() => {});
}

// Returns the words of what is let through: how many of its kind may go on by themselves, and how.
async function heed(question, what) {
  const [word, ...why] = (await question).split(' ');
  if (word === 'go') return why;
  lease = null;
  const reason = word === 'lost' ? 'nightlatch is gone, and without it nothing is deleted' : why.join(' ');
  const error = new Refused(reason ? `${what} (${reason})` : what);
  error[UNCATCHABLE] = true;
  error.stack = `${error.name}: ${error.message}`;
  throw error;
}

// ---------------------------------------------------------------------------- where

const clientOf = (mongo) => mongo._serviceProvider.getRawClient?.() ?? mongo._serviceProvider.mongoClient;

function serversOf(client) {
  return [...(client?.topology?.description?.servers?.values() ?? [])];
}

function parts(address) {
  const [, host, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address ?? '') ?? [];
  return address?.startsWith('/') ? { host: address } : { host, port: port ? Number(port) : 27017 };
}

// A server as its client knows it, and by which other names the person may know it.
function placeOf(client, address, database) {
  const description = client?.topology?.description;
  const options = client?.options ?? {};
  const server = serversOf(client).find((one) => one.address === address);
  return {
    ...parts(address), database, user: options.credentials?.username,
    set: server?.setName ?? description?.setName ?? undefined, role: server?.type, me: server?.me ?? undefined,
    names: options.srvHost ? [options.srvHost] : (options.hosts ?? []).map(String),
  };
}

// The server that the writes of a client go to.
function homeOf(client, database) {
  const servers = serversOf(client);
  return placeOf(client, (servers.find((one) => one.isWritable) ?? servers[0])?.address, database);
}

// Tells where the prompt stands; without a connection it stands nowhere.
async function tellHere() {
  let place;
  try {
    place = homeOf(clientOf(shell.currentDb.getMongo()), shell.currentDb.getName());
  } catch {
    return;
  }
  await ask({ t: 'prompt', place });
}

// ---------------------------------------------------------------------------- statements

// Tells how something went that was let through.
function end(id, begin, rows, error) {
  const message = error && String(error.message ?? error).split('\n')[0];
  tellSoon({ t: 'ended', id, rows: rows ?? undefined, took_ms: Math.round(performance.now() - begin), error: message });
}

// Runs a statement; `announce` is to be awaited before anything of it runs.
async function follow(id, announce, run) {
  const outer = touched;
  let began = null;
  const told = async () => {
    await announce();
    began ??= performance.now() - answering;
  };
  const over = (error) => {
    if (began === null) return;
    end(id, began + answering, touched, error);
    if (outer !== null) touched += outer;
    write();
  };
  touched = null;
  running++;
  try {
    const value = await run(told);
    over();
    return value;
  } catch (error) {
    over(error);
    throw error;
  } finally {
    running--;
  }
}

function guardStatements(evaluator, listener) {
  const evaluate = evaluator.customEval, prompt = listener.getShellPrompt;
  evaluator.customEval = async function (run, input, context, file) {
    if (input.startsWith(FIRST)) return exports.start(context, Number.parseInt(input.slice(FIRST.length), 10));
    const how = file?.startsWith('REPL') ? 'typed' : 'file';
    const isNothing = how === 'typed' && !input.trim();
    if (isNothing || file === '<prompt loader>' || listener.insideAutoCompleteOrGetPrompt) return evaluate.apply(this, arguments);
    const id = ++numbered;
    let told = null;
    const announce = () => told ??= heed(ask({
      t: 'statement', id, text: input.replace(/\n$/, ''), how, file,
      within: shell.shellApi.loadCallNestingLevel > 0,
    }).then((answer) => (answer === 'lost' ? 'go' : answer)), 'it was not run').then(() => { lease = null; });
    return follow(id, announce, async (announced) => {
      // `use`, `show` and the like are no JavaScript.
      const word = input.trim().replace(/;$/, '').split(/\s+/)[0];
      if (shell.shellApi[word]?.isDirectShellCommand) await announced();
      // What does not parse yet goes on in the next line, and never gets here.
      return evaluate.call(this, async (...all) => { await announced(); return run(...all); }, input, context, file);
    });
  };
  listener.getShellPrompt = async function () {
    const shown = await prompt.apply(this, arguments);
    if (process.stdin.isTTY) await settled();
    const told = tellHere().catch(() => {});
    // What is said of the place stands before the prompt. Of a pipe, the end may have been read by
    // now: a prompt that takes its time then comes after the shell has let go of its settings.
    if (process.stdin.isTTY) await told;
    return shown;
  };
}

// Waits for the questions of what a statement has left running: the prompt comes after them. What
// waits for a connection has its question still to come.
async function settled() {
  const until = Date.now() + CONNECTION_MS;
  for (let n = 0, seen = -1; n < MOST_WAITS && seen !== questions; n++) {
    seen = questions;
    do await new Promise(checkingOut ? (done) => setTimeout(done, 1) : setImmediate);
    while (checkingOut && Date.now() < until);
    // Who waited for one goes on with it.
    await new Promise(setImmediate);
    await turn;
  }
}

// ---------------------------------------------------------------------------- commands

const listed = (value) => value?.documents ?? value ?? [];

// What stands for a value when it is sent.
const meant = (value) => (typeof value?.toBSON === 'function' ? value.toBSON() : value);

// Values that are no documents.
const VALUES = new Set(['[object Date]', '[object RegExp]', '[object Uint8Array]']);

// The same with all that is in it.
function wholly(value) {
  const found = meant(value);
  if (Array.isArray(found)) return found.map(wholly);
  if (found === null || typeof found !== 'object' || found._bsontype || VALUES.has(Object.prototype.toString.call(found))) return found;
  const entries = Object.prototype.toString.call(found) === '[object Map]' ? [...found] : Object.entries(found);
  return Object.fromEntries(entries.map(([key, one]) => [key, wholly(one)]));
}

// What writes without being asked about, or as a part of a bulk.
const WRITES = new Set(['insert', 'delete', 'update']);

// The pool that a connection is of: it knows the server's name, and the connection only its number.
const pools = new WeakMap();

// Operations of a bulk that was asked about as a whole.
const released = new WeakSet();

function isAsked(name, command) {
  if (name === 'aggregate') return (meant(command.pipeline) ?? []).map(meant).some((stage) => stage?.$out || stage?.$merge);
  if (name === 'delete' || name === 'update') return !listed(command[`${name}s`]).every((one) => released.has(one));
  return !PLAIN.has(name);
}

function plain(command) {
  const copy = {};
  for (const [key, value] of Object.entries(command)) copy[key] = wholly(value?.documents ?? value);
  return EJSON.serialize(copy, { relaxed: true });
}

// What commands have in common of which one is as harmless as the next, for a lease: each touches one
// document at most. None where it may touch more.
function kindOf(name, command) {
  const isFind = name === 'findAndModify' || name === 'findandmodify';
  const [one, ...more] = isFind ? [command] : name === 'delete' || name === 'update' ? listed(command[`${name}s`]) : [];
  if (!one || more.length || (name === 'delete' ? one.limit !== 1 : one.multi)) return null;
  const update = one.u ?? one.update;
  const does = one.remove || name === 'delete' ? 'delete' : Array.isArray(update) || Object.keys(update ?? {})[0]?.startsWith('$') ? 'update' : 'replace';
  return `${name} ${does} ${command[name]}`;
}

function isLeased(kind) {
  return kind && socket && lease?.kind === kind && lease.left-- > 0 && performance.now() < lease.until;
}

// How many documents an answer says were written to.
function rowsOf(answer) {
  const found = answer?.toObject?.() ?? answer;
  const sum = (...names) => names.reduce((all, name) => all + Number(found[name]), 0);
  if (found?.deletedCount !== undefined) return sum('insertedCount', 'upsertedCount', 'modifiedCount', 'deletedCount');
  if (found?.nDeleted !== undefined) return sum('nInserted', 'nUpserted', 'nModified', 'nDeleted');
  if (found?.nModified !== undefined) return sum('nModified') + (found.upserted?.length ?? 0);
  const n = found?.lastErrorObject?.n ?? found?.n;
  return n === undefined ? null : Number(n);
}

// What a command means to touch: collection, condition, and whether only the first.
function conditions(name, command) {
  const on = command[name];
  switch (name) {
    case 'delete': return listed(command.deletes).map((one) => [on, one.q, one.limit === 1, one.collation]);
    case 'update': return listed(command.updates).map((one) => [on, one.q, !one.multi, one.collation]);
    case 'findAndModify': case 'findandmodify': return [[on, command.query ?? {}, true, command.collation]];
    case 'drop': case 'convertToCapped': return [[on]];
    default: return [];
  }
}

// Counts, on the connection that the command would go by.
async function figures(name, command, send) {
  const all = conditions(name, command);
  if (all.length === 0 || all.length > MOST_COUNTED) return {};
  const total = Number((await send({ count: all[0][0], maxTimeMS: COUNT_MS })).n);
  let matched = 0;
  for (const [on, condition, isOne, collation] of all) {
    if (condition === undefined) return { total };
    const pipeline = [{ $match: condition }, ...(isOne ? [{ $limit: 1 }] : []), { $group: { _id: 1, n: { $sum: 1 } } }];
    const wanted = { aggregate: on, pipeline, cursor: {}, maxTimeMS: COUNT_MS };
    const found = await send(collation ? { ...wanted, collation } : wanted);
    matched += Number(found.cursor.firstBatch[0]?.n ?? 0);
  }
  return { matched, total };
}

// Asks about a command. What it gives is called as it is sent, with the error or the answer that
// comes of it.
async function askCommand(name, command, place, session, send, kind) {
  const id = ++numbered, fields = plain(command);
  const [left, how] = await heed(ask({
    t: 'operation', id, engine: 'mongodb', place, command: { name, fields }, countable: true,
    transaction: session?.inTransaction?.() || undefined, repeatable: !!kind,
  }, () => figures(name, command, send)), `${name} was not sent`);
  // Whoever made it may still have it in hands.
  if (JSON.stringify(plain(command)) !== JSON.stringify(fields)) await heed('no it has changed since it was asked about', `${name} was not sent`);
  if (left) lease = { kind, left: Number(left), until: performance.now() + LEASE_MS, isQuiet: how === 'quietly', count: 0 };
  return id;
}

// Sends what may go; `id` is none where nobody was asked.
function sent(id, send) {
  const begin = performance.now();
  return send((error, answer) => {
    let rows = null, wrong = error;
    try {
      rows = error ? null : rowsOf(answer);
      wrong ??= answer?.writeErrors?.[0]?.errmsg;
    } catch { /* What an answer says otherwise is not known. */ }
    if (rows !== null) touched = (touched ?? 0) + rows;
    if (id) end(id, begin, rows, wrong);
  });
}

// Every command of every client goes through this method.
function guardConnection(connection) {
  let base = null;
  for (let kind = connection; (kind = Object.getPrototypeOf(kind));) if (Object.hasOwn(kind, 'command')) base = kind;
  if (!base) throw new Error('its connections have no command');
  if (base.command.isGuarded) return;
  const command = base.command;
  // From driver 6 on the last argument is a class, before it a callback.
  const isAsync = Object.prototype.toString.call(command) === '[object AsyncFunction]';
  base.command = function (space, given, options, last) {
    const body = meant(given), name = body && Object.keys(body)[0];
    const isAskedAbout = name && isAsked(name, body);
    if (!isAskedAbout && !WRITES.has(name)) return command.apply(this, arguments);
    const words = [...arguments], at = typeof options === 'function' ? 2 : 3;
    const go = (id) => sent(id, (over) => {
      if (isAsync) {
        const answer = command.apply(this, words);
        answer.then((found) => over(null, found), over);
        return answer;
      }
      const callback = words[at];
      words[at] = (error, found) => { over(error, found); return callback(error, found); };
      return command.apply(this, words);
    });
    if (!isAskedAbout) return go(null);
    const database = String(space?.db ?? space).split('.')[0];
    let kind = kindOf(name, body);
    const pool = pools.get(this), address = pool?.address ?? this.address;
    kind &&= `${address} ${database} ${kind}`;
    if (isLeased(kind)) {
      if (lease.isQuiet) {
        lease.count++;
        return go(null);
      }
      // Once it is written the system keeps it for nightlatch, whatever becomes of us.
      const id = ++numbered;
      write({ t: 'again', id, command: { name, fields: plain(body) } });
      if (!socket.errored) return go(id);
    }
    const send = (wanted) => {
      const to = Object.assign(Object.create(Object.getPrototypeOf(space)), space, { db: database, collection: '$cmd' });
      return isAsync ? command.call(this, to, wanted, {})
        : new Promise((done, failed) => command.call(this, to, wanted, {}, (error, found) => (error ? failed(error) : done(found))));
    };
    const client = shell.mongos.map(clientOf).find((one) => serversOf(one).some((server) => server.address === address));
    const asked = askCommand(name, body, placeOf(client ?? pool, address, database), options?.session, send, kind);
    return isAsync ? asked.then(go) : void asked.then(go, words[at]);
  };
  base.command.isGuarded = true;
}

// The class of connections is within reach only by a connection.
function guardPool(kind) {
  const checkOut = kind.checkOut;
  if (checkOut.isGuarded) return;
  kind.checkOut = function (...all) {
    checkingOut++;
    const failed = (error) => {
      checkingOut--;
      throw error;
    };
    const guarded = (connection) => {
      checkingOut--;
      pools.set(connection, this);
      guardConnection(connection);
      return connection;
    };
    const at = all.findIndex((one) => typeof one === 'function');
    if (at < 0) return checkOut.apply(this, all).then(guarded, failed);
    const callback = all[at];
    all[at] = (error, connection, ...rest) => {
      if (connection) guarded(connection);
      else checkingOut--;
      return callback(error, connection, ...rest);
    };
    return checkOut.apply(this, all);
  };
  kind.checkOut.isGuarded = true;
}

function guardPoolOf(client) {
  const servers = [...(client?.topology?.s?.servers?.values() ?? [])];
  const kinds = servers.map((server) => Object.getPrototypeOf(server.pool ?? server.s?.pool ?? {}));
  const kind = kinds.find((one) => Object.hasOwn(one, 'checkOut'));
  if (!kind) throw new Error('its connections cannot be found');
  guardPool(kind);
}

// A driver that a script brings along has classes of its own.
function guardOtherDrivers() {
  const Module = require('module'), load = Module._load;
  Module._load = function (request) {
    const loaded = load.apply(this, arguments);
    if (request.endsWith('/connection_pool') && loaded?.ConnectionPool?.prototype?.checkOut) guardPool(loaded.ConnectionPool.prototype);
    return loaded;
  };
}

// One bulk is several commands: it is asked about before the first.
function guardBulk(client) {
  let kind = client.db('x').collection('y').initializeOrderedBulkOp();
  while (kind && !Object.hasOwn(kind, 'execute')) kind = Object.getPrototypeOf(kind);
  if (!kind || kind.execute.isGuarded) return;
  const execute = kind.execute;
  kind.execute = async function (...all) {
    const ops = this.batches.flatMap((batch) => batch.operations).filter((one) => one.q && (one.u || 'limit' in one));
    if (ops.length && !ops.every((one) => released.has(one))) {
      const { collection, db } = this.s.namespace;
      const ofClient = this.s.collection?.client ?? client;
      const command = {
        bulkWrite: 1, nsInfo: [{ ns: `${db}.${collection}` }],
        ops: ops.map((one) => (one.u
          ? { update: 0, filter: one.q, updateMods: one.u, multi: !!one.multi }
          : { delete: 0, filter: one.q, multi: one.limit !== 1 })),
      };
      const id = await askCommand('bulkWrite', command, homeOf(ofClient, db), all[0]?.session);
      for (const one of ops) released.add(one);
      const begin = performance.now(), answer = execute.apply(this, all);
      answer.then((found) => end(id, begin, rowsOf(found)), (error) => end(id, begin, null, error));
      return answer;
    }
    return execute.apply(this, all);
  };
  kind.execute.isGuarded = true;
}

function guardClient(mongo) {
  try {
    const client = clientOf(mongo);
    guardPoolOf(client);
    guardBulk(client);
    tell({ t: 'connected', engine: 'mongodb', place: homeOf(client) });
  } catch (error) {
    tell({ t: 'remark', kind: 'failed', what: 'the driver', why: String(error.message) });
  }
}

// ---------------------------------------------------------------------------- start

let begun = null;     // what is to be awaited before anything of the person's runs

async function greet(context) {
  await heed(ask({ t: 'hello', protocol: PROTOCOL, client: 'mongosh', version: String(context.version?.()) }), 'mongosh was not started');
  await tellHere();
}

function begin(context) {
  path = process.env.NIGHTLATCH_SOCK;
  // `config` is there in every context, and without a connection too.
  shell = context.config._instanceState;
  EJSON = context.EJSON;
  const listener = shell.evaluationListener, push = shell.mongos.push;
  const greeted = greet(context);
  // It is awaited later, perhaps.
  greeted.catch(() => {});
  guardStatements(listener.runtimeState().shellEvaluator, listener);
  guardOtherDrivers();
  shell.mongos.forEach(guardClient);
  shell.mongos.push = function (...more) {
    more.forEach(guardClient);
    return push.apply(this, more);
  };
  return Object.assign(greeted, { [AWAITED]: true });
}

// `words` is how many words of the command line made mongosh load this.
exports.start = (context, words) => {
  const at = process.argv.findIndex((word) => word.includes(__filename));
  if (at > 0) process.argv.splice(at - 1, words);
  return begun ??= begin(context);
};

// For the first text that it evaluates mongosh loads a compiler, which takes it longer than all of
// ours, and a prompt does without. Where Node has loaded this before mongosh, it begins as soon as the
// context is made that statements run in, and what is to be evaluated is known as ours.
const FIRST = `require(${JSON.stringify(__filename)}).start(globalThis, `;
const OPTION = ` --require ${JSON.stringify(__filename)}`;

function preload() {
  const own = process.env.NODE_OPTIONS.slice(0, -OPTION.length);
  if (own) process.env.NODE_OPTIONS = own;
  else delete process.env.NODE_OPTIONS;
  const vm = require('vm'), { createContext } = vm;
  vm.createContext = function () {
    const context = createContext.apply(this, arguments);
    Object.defineProperty(context, 'config', {
      configurable: true,
      set(config) {
        delete context.config;
        context.config = config;
        config?._instanceState?.messageBus?.once('mongosh:setCtx', () => {
          vm.createContext = createContext;
          begun = begin(context);
        });
      },
    });
    return context;
  };
}

// Programs that lead to mongosh, if there are any, leave it to that.
if (process.env.NODE_OPTIONS?.endsWith(OPTION) && process.argv.some((word) => word.startsWith(FIRST))) preload();
