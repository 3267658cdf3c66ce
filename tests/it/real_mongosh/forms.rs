//! Every way to destroy something that is known: refused, it does not arrive; allowed, it does.

use super::stage::{FAMILIES, NEEDED, PROMPT, REAL, Stage, leave, refuse};
use crate::real_psql::steps::wait_for_question;
use crate::support::mongosh::{folder, shells};
use crate::support::tool::needs;
use crate::support::world::run;

/// What is typed, and the command that must not arrive by it.
const FORMS: &[(&str, &str)] = &[
    ("db.family.deleteMany({})", "delete"),
    ("db.family.deleteMany({name: /^family/})", "delete"),
    ("db.family.deleteOne({_id: 1})", "delete"),
    ("db.family.findOneAndDelete({_id: 1})", "findAndModify"),
    ("db.family.findAndModify({query: {_id: 1}, remove: true})", "findAndModify"),
    ("db.family.replaceOne({_id: 1}, {gone: 1})", "update"),
    ("db.family.remove({})", "delete"),
    ("db['family']['delete' + 'Many']({})", "delete"),
    ("const c1 = db.family; c1.deleteMany({})", "delete"),
    ("Object.getPrototypeOf(db.family).deleteMany.call(db.family, {})", "delete"),
    (
        "db.family.bulkWrite([{insertOne: {document: {a: 1}}}, {deleteMany: {filter: {}}}])",
        "insert",
    ),
    ("b1 = db.family.initializeUnorderedBulkOp(); b1.find({}).delete(); b1.execute()", "delete"),
    ("db.family.drop()", "drop"),
    ("db.dropDatabase()", "dropDatabase"),
    ("db.getSiblingDB('other').dropDatabase()", "dropDatabase"),
    ("db.family.dropIndex('name_1')", "dropIndexes"),
    ("db.family.dropIndexes()", "dropIndexes"),
    ("db.family.updateMany({}, {$unset: {name: 1}})", "update"),
    ("db.family.aggregate([{$match: {}}, {$out: 'other'}])", "aggregate"),
    (
        "db.family.aggregate([{$merge: {into: 'other', whenMatched: 'replace'}}]).toArray()",
        "aggregate",
    ),
    ("db.runCommand({delete: 'family', deletes: [{q: {}, limit: 0}]})", "delete"),
    ("db.runCommand({drop: 'family'})", "drop"),
    ("db.runCommand({dropDatabase: 1})", "dropDatabase"),
    (
        "db.adminCommand({renameCollection: 'app.other', to: 'app.family', dropTarget: true})",
        "renameCollection",
    ),
    ("db.adminCommand({shutdown: 1})", "shutdown"),
    ("db.shutdownServer()", "shutdown"),
    ("db.dropUser('ann')", "dropUser"),
    ("db.family.find().forEach(one => db.family.deleteOne({_id: one._id}))", "delete"),
    ("for (let n = 0; n < 20; n++) db.family.deleteOne({_id: n})", "delete"),
    ("let n1 = 0; while (n1 < 20) db.family.deleteOne({_id: n1++})", "delete"),
    ("[...Array(20).keys()].map(n => db.family.deleteOne({_id: n}))", "delete"),
    ("function wipe() { db.family.deleteMany({}) }; wipe()", "delete"),
    ("(async () => { await db.family.deleteMany({}) })()", "delete"),
    ("for (let n = 0; n < 20; n++) { try { db.family.deleteMany({}) } catch (e) { } }", "delete"),
    ("db.getMongo()._serviceProvider.deleteMany('app', 'family', {}).catch(() => 1)", "delete"),
    ("load('wipe.js')", "delete"),
    ("setTimeout(() => db.family.drop(), 1); 1", "drop"),
    ("new Promise(go => setTimeout(go, 1)).then(() => db.family.drop())", "drop"),
    (
        "s1 = db.getMongo().startSession(); s1.startTransaction(); s1.getDatabase('app').family.deleteMany({})",
        "delete",
    ),
    // What is sent in place of what is there to see.
    ("db.family.deleteMany({_id: {toBSON: () => ({$exists: true})}})", "delete"),
    ("db.runCommand({find: 'family', toBSON: () => ({drop: 'family', $db: 'app'})})", "drop"),
    (
        "db.runCommand({aggregate: 'family', pipeline: [{toBSON: () => ({$out: 'other'})}], cursor: {}})",
        "aggregate",
    ),
    // A driver of one's own.
    (
        "c2 = new (require('DRIVER').MongoClient)('mongodb://localhost:PORT/?directConnection=true'); c2.connect().then(() => c2.db('app').collection('family').deleteMany({}))",
        "delete",
    ),
    ("new Mongo('localhost:PORT').getDB('app').family.deleteMany({})", "delete"),
    ("connect('mongodb://localhost:PORT/app').family.deleteMany({})", "delete"),
    (
        "p1 = db.getMongo()._serviceProvider; (p1.getRawClient ? p1.getRawClient() : p1.mongoClient).db('app').collection('family').deleteMany({})",
        "delete",
    ),
    ("db.family.createIndex({at: 1}, {expireAfterSeconds: 1})", "createIndexes"),
    ("db.runCommand({collMod: 'family', index: {name: 'at_1', expireAfterSeconds: 1}})", "collMod"),
    ("db.family.convertToCapped(4096)", "convertToCapped"),
    ("db.runCommand({convertToCapped: 'family', size: 4096})", "convertToCapped"),
    ("db.family.mapReduce('function() {}', 'function() {}', {out: 'other'})", "mapReduce"),
    ("db.adminCommand({killOp: 1, op: 7})", "killOp"),
    ("db.adminCommand({replSetReconfig: {_id: 'rs0'}, force: true})", "replSetReconfig"),
    ("db.adminCommand({removeShard: 'shard1'})", "removeShard"),
    ("db.adminCommand({applyOps: [{op: 'd', ns: 'app.family', o: {_id: 1}}]})", "applyOps"),
    ("db.adminCommand({somethingNew: 1})", "somethingNew"),
];

/// What only the newest shells have.
const NEWER: &[(&str, &str)] = &[(
    "db.getMongo().bulkWrite([{name: 'deleteMany', namespace: 'app.family', filter: {}}])",
    "bulkWrite",
)];

/// Tells whether a command is the guard's own, which counts for the person.
fn is_count(command: &bson::Document) -> bool {
    command.get_array("pipeline").is_ok_and(|stages| {
        stages.iter().filter_map(bson::Bson::as_document).any(|stage| stage.contains_key("$group"))
    })
}

fn typed(text: &str, stage: &Stage) -> String {
    let driver = folder().join("mongodb");
    let text = text.replace("DRIVER", driver.to_str().expect("UTF-8"));
    text.replace("PORT", &stage.server.port.to_string())
}

#[test]
fn refused_they_do_not_arrive() {
    if !needs(NEEDED) {
        return;
    }
    std::thread::scope(|scope| {
        for shell in shells().expect("installed") {
            scope.spawn(move || {
                let stage = Stage::with(shell).late();
                stage.world.write("wipe.js", "db.family.deleteMany({});\n");
                let mut pty = stage.open();
                for (text, command) in FORMS {
                    pty.line(&typed(text, &stage));
                    refuse(&mut pty);
                    let arrived = stage.server.arrived(command);
                    let arrived = arrived.iter().filter(|command| !is_count(command));
                    assert_eq!(arrived.count(), 0, "{text}\n{}", pty.dump());
                }
                assert_eq!(stage.server.left(), usize::try_from(FAMILIES).expect("few"));
                leave(&mut pty);
            });
        }
    });
}

#[test]
fn refused_they_change_nothing_in_a_server_of_mongodb() {
    if !needs(NEEDED) || !needs(&[REAL]) {
        return;
    }
    let stage = Stage::real().late();
    stage.world.write("wipe.js", "db.family.deleteMany({});\n");
    let real = stage.server.real.as_ref().expect("started");
    let before = real.sum();
    let mut pty = stage.open();
    for (text, _) in FORMS.iter().chain(NEWER) {
        pty.line(&typed(text, &stage));
        refuse(&mut pty);
        assert_eq!(real.sum(), before, "{text}\n{}", pty.dump());
    }
    leave(&mut pty);
}

#[test]
fn allowed_they_change_what_they_say() {
    if !needs(NEEDED) || !needs(&[REAL]) {
        return;
    }
    let stage = Stage::real();
    let mut pty = stage.open();
    for (text, left) in [
        ("db.family.deleteMany({})", "[ 0, 20 ]"),
        ("db.other.aggregate([{$match: {_id: 7}}, {$out: 'family'}])", "[ 1, 20 ]"),
        ("db.other.drop()", "[ 1, 0 ]"),
    ] {
        pty.line(text);
        wait_for_question(&mut pty);
        pty.answer("app");
        pty.wait_for("nightlatch: released");
        pty.wait_for_prompt(PROMPT);
        pty.line("[db.family.countDocuments(), db.other.countDocuments()]");
        pty.wait_for(left);
        pty.wait_for_prompt(PROMPT);
    }
    leave(&mut pty);
}

#[test]
fn allowed_they_arrive() {
    if !needs(NEEDED) {
        return;
    }
    for shell in shells().expect("installed") {
        for (text, command) in [FORMS[0], FORMS[8], FORMS[13], FORMS[16]] {
            let stage = Stage::with(shell);
            let mut command_line = stage.wrapped(&["--eval", &typed(text, &stage)]);
            command_line.env("NIGHTLATCH_APPROVE", "families-prod");
            let output = run(command_line, "");
            assert!(output.status.success(), "{text}: {output:?}");
            assert_eq!(stage.server.arrived(command).len(), 1, "{text}");
        }
    }
}
