//! What is reached by HTTP, against a server of our own that logs what arrives.

use super::stage::Stage;
use crate::support::http::Http;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock];

/// Runs scripts with nobody watching; each is refused with so many requests sent that begin so.
fn refused(begin: &str, answer: &'static str, scripts: &[(&str, &str, usize)]) {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    for (script, begins, sent) in scripts {
        let server = Http::start(answer);
        let begin = begin.replace("$PORT", &server.port.to_string());
        let said = stage.refused(&format!("{begin}{script}"));
        assert_eq!(server.arrived(begins), *sent, "{script}\n{said}");
    }
}

#[test]
fn elasticsearch() {
    refused(
        "from elasticsearch import Elasticsearch, AsyncElasticsearch, helpers
import asyncio
url = 'http://localhost:$PORT'
e = Elasticsearch(url)
",
        "{\"errors\": false, \"items\": [], \"result\": \"deleted\"}",
        &[
            ("for n in range(20): e.delete(index='orders', id=n)", "DELETE /orders/_doc/", 4),
            ("e.indices.delete(index='orders')", "DELETE", 0),
            ("e.delete_by_query(index='orders', query={'match_all': {}})", "POST", 0),
            (
                "helpers.bulk(e, ({'_op_type': 'delete', '_index': 'orders', '_id': n} for n in range(9)))",
                "PUT",
                0,
            ),
            ("asyncio.run(AsyncElasticsearch(url).indices.delete(index='orders'))", "DELETE", 0),
            ("e.reindex(source={'index': 'old'}, dest={'index': 'orders'})", "POST", 0),
            ("e.snapshot.delete(repository='daily', snapshot='last')", "DELETE", 0),
            ("e.snapshot.restore(repository='daily', snapshot='last', indices='orders')", "POST", 0),
            (
                "def policy(age): return {'phases': {'delete': {'min_age': age, 'actions': {'delete': {}}}}}
e.ilm.put_lifecycle(name='x', policy=policy('30d'))
e.reindex(source={'index': 'old'}, dest={'index': 'orders', 'op_type': 'create'})
e.ilm.put_lifecycle(name='x', policy=policy('0d'))",
                "P",
                2,
            ),
        ],
    );
}

#[test]
fn aws() {
    refused(
        "import boto3
def made(name):
    return boto3.client(name, endpoint_url='http://localhost:$PORT', region_name='us-east-1',
                        aws_access_key_id='a', aws_secret_access_key='b')
s3, dynamo, ecs = made('s3'), made('dynamodb'), made('ecs')
",
        "",
        &[
            (
                "for n in range(20): s3.delete_object(Bucket='orders', Key=str(n))",
                "DELETE /orders/",
                4,
            ),
            (
                "s3.delete_objects(Bucket='orders', Delete={'Objects': [{'Key': str(n)} for n in range(9)]})",
                "POST",
                0,
            ),
            ("s3.delete_bucket(Bucket='orders')", "DELETE", 0),
            ("dynamo.delete_table(TableName='orders')", "POST", 0),
            (
                "for n in 1, 0: ecs.update_service(cluster='c', service='orders', desiredCount=n)",
                "POST",
                1,
            ),
            (
                "made('autoscaling').set_desired_capacity(AutoScalingGroupName='orders', DesiredCapacity=0)",
                "POST",
                0,
            ),
            (
                "made('logs').put_retention_policy(logGroupName='orders', retentionInDays=1)",
                "POST",
                0,
            ),
            (
                "key = {'Key': {'id': {'N': '1'}}}
dynamo.batch_write_item(RequestItems={'orders': [{'DeleteRequest': key} for n in range(9)]})",
                "POST",
                0,
            ),
        ],
    );
}
