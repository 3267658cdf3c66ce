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

let shell;        // mongosh's state
let EJSON;
let path;         // the socket's name
let socket = null;
let turn = Promise.resolve();
let waiting = null;

// A getter, for the driver copies what an error has of its own onto others.
class Refused extends Error {
  get name() { return 'Refused'; }
}

// ---------------------------------------------------------------------------- the line to nightlatch

function connect() {
  return new Promise((done, failed) => {
    let text = '';
    const made = net.connect(path, () => { socket = made; done(); });
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

function write(message) {
  socket.write(JSON.stringify({ pid: process.pid, ...message }) + '\n');
}

// One question at a time. `count` finds figures where nightlatch wants them for a person it asks.
function ask(message, count) {
  const answer = turn.then(() => exchange(message, count));
  turn = answer.catch(() => {});
  return answer;
}

async function exchange(message, count) {
  const interrupted = shell.interrupted.asPromise();
  try {
    if (!socket) await connect();
    let figures = null;
    const answered = new Promise((done) => {
      waiting = (line) => {
        if (line !== 'count') return done(line);
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
    interrupted.destroy();
    socket?.unref();
  }
}

// Tells what needs no answer.
function tell(message) {
  ask(message).catch(() => {});
}

async function heed(question, what) {
  const [word, ...why] = (await question).split(' ');
  if (word === 'go') return;
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
    set: description?.setName ?? server?.setName ?? undefined, role: server?.type, me: server?.me ?? undefined,
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

function guardStatements(evaluator, listener) {
  const evaluate = evaluator.customEval, prompt = listener.getShellPrompt;
  evaluator.customEval = async function (run, input, context, file) {
    if (file === '<prompt loader>' || listener.insideAutoCompleteOrGetPrompt) return evaluate.apply(this, arguments);
    let told = null;
    const announce = () => told ??= heed(ask({
      t: 'statement', text: input, how: file?.startsWith('REPL') ? 'typed' : 'file', file,
      within: shell.shellApi.loadCallNestingLevel > 0,
    }).then((answer) => (answer === 'lost' ? 'go' : answer)), 'it was not run');
    // `use`, `show` and the like are no JavaScript.
    const word = input.trim().replace(/;$/, '').split(/\s+/)[0];
    if (shell.shellApi[word]?.isDirectShellCommand) await announce();
    // What does not parse yet goes on in the next line, and never gets here.
    return evaluate.call(this, async (...all) => { await announce(); return run(...all); }, input, context, file);
  };
  listener.getShellPrompt = async function () {
    const shown = await prompt.apply(this, arguments);
    const told = tellHere().catch(() => {});
    // What is said of the place stands before the prompt. Of a pipe, the end may have been read by
    // now: a prompt that takes its time then comes after the shell has let go of its settings.
    if (process.stdin.isTTY) await told;
    return shown;
  };
}

// ---------------------------------------------------------------------------- commands

const listed = (value) => value?.documents ?? value ?? [];

// Operations of a bulk that was asked about as a whole.
const released = new WeakSet();

function isAsked(name, command) {
  if (name === 'aggregate') return (command.pipeline ?? []).some((stage) => stage?.$out || stage?.$merge);
  if (name === 'delete' || name === 'update') return !listed(command[`${name}s`]).every((one) => released.has(one));
  return !PLAIN.has(name);
}

function plain(command) {
  const copy = {};
  for (const [key, value] of Object.entries(command)) copy[key] = value?.documents ?? value;
  return EJSON.serialize(copy, { relaxed: true });
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

function askCommand(name, command, place, session, send) {
  return heed(ask({
    t: 'operation', engine: 'mongodb', place, command: { name, fields: plain(command) }, countable: true,
    transaction: session?.inTransaction?.() || undefined,
  }, () => figures(name, command, send)), `${name} was not sent`);
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
  base.command = function (space, body, options, last) {
    const name = body && Object.keys(body)[0];
    if (!name || !isAsked(name, body)) return command.apply(this, arguments);
    const database = String(space?.db ?? space).split('.')[0];
    const send = (wanted) => {
      const to = Object.assign(Object.create(Object.getPrototypeOf(space)), space, { db: database, collection: '$cmd' });
      return isAsync ? command.call(this, to, wanted, {})
        : new Promise((done, failed) => command.call(this, to, wanted, {}, (error, found) => (error ? failed(error) : done(found))));
    };
    const client = shell.mongos.map(clientOf).find((one) => serversOf(one).some((server) => server.address === this.address));
    const asked = askCommand(name, body, placeOf(client, this.address, database), options?.session, send);
    const go = () => command.apply(this, arguments);
    return isAsync ? asked.then(go) : void asked.then(go, typeof options === 'function' ? options : last);
  };
  base.command.isGuarded = true;
}

// The class of connections is within reach only by a connection.
function guardPool(client) {
  for (const server of client?.topology?.s?.servers?.values() ?? []) {
    const kind = Object.getPrototypeOf(server.pool ?? server.s?.pool ?? {});
    if (!Object.hasOwn(kind, 'checkOut')) continue;
    const checkOut = kind.checkOut;
    if (checkOut.isGuarded) return;
    kind.checkOut = function (...all) {
      const at = all.findIndex((one) => typeof one === 'function');
      if (at < 0) return checkOut.apply(this, all).then((connection) => { guardConnection(connection); return connection; });
      const callback = all[at];
      all[at] = (error, connection, ...rest) => { if (connection) guardConnection(connection); return callback(error, connection, ...rest); };
      return checkOut.apply(this, all);
    };
    kind.checkOut.isGuarded = true;
    return;
  }
  throw new Error('its connections cannot be found');
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
      await askCommand('bulkWrite', command, homeOf(ofClient, db), all[0]?.session);
      for (const one of ops) released.add(one);
    }
    return execute.apply(this, all);
  };
  kind.execute.isGuarded = true;
}

function guardClient(mongo) {
  try {
    const client = clientOf(mongo);
    guardPool(client);
    guardBulk(client);
    tell({ t: 'connected', engine: 'mongodb', place: homeOf(client) });
  } catch (error) {
    tell({ t: 'remark', kind: 'failed', what: 'the driver', why: String(error.message) });
  }
}

// ---------------------------------------------------------------------------- start

async function start(context, words) {
  path = process.env.NIGHTLATCH_SOCK;
  // `config` is there in every context, and without a connection too.
  shell = context.config._instanceState;
  EJSON = context.EJSON;
  const at = process.argv.findIndex((word) => word.includes(__filename));
  if (at > 0) process.argv.splice(at - 1, words);
  await heed(ask({ t: 'hello', protocol: PROTOCOL, client: 'mongosh', version: String(context.version?.()) }), 'mongosh was not started');
  const listener = shell.evaluationListener, push = shell.mongos.push;
  shell.mongos.forEach(guardClient);
  shell.mongos.push = function (...more) {
    more.forEach(guardClient);
    return push.apply(this, more);
  };
  guardStatements(listener.runtimeState().shellEvaluator, listener);
  await tellHere();
}

// `words` is how many words of the command line made mongosh load this.
exports.start = (context, words) => Object.assign(start(context, words), { [AWAITED]: true });
