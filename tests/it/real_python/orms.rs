//! SQLAlchemy and Django on SQLite and MariaDB, with nobody watching: PostgreSQL is in `drivers`.

use super::stage::Stage;
use crate::support::mariadb::MariaDb;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] =
    &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::MariaDb, Tool::TestClock];

const SQLALCHEMY: &str = "import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session
class Base(DeclarativeBase): pass
class Family(Base):
    __tablename__ = 'families'
    id = sa.Column(sa.Integer, primary_key=True)
session = Session(sa.create_engine('$DATABASE'))
";

const DJANGO: &str = "import django
from django.conf import settings
settings.configure(DATABASES={'default': $DATABASE}, USE_TZ=True)
django.setup()
from django.db import connection, models
class Family(models.Model):
    class Meta:
        app_label = 'app'; db_table = 'families'; managed = False
";

/// What is done with a module, and how many rows may be gone when it is refused.
const ENDS: &[(&str, &[(&str, usize)])] = &[
    (
        SQLALCHEMY,
        &[
            (
                "for family in session.scalars(sa.select(Family)): session.delete(family)\nsession.commit()",
                0,
            ),
            ("session.execute(sa.delete(Family)); session.commit()", 0),
            ("session.query(Family).delete(); session.commit()", 0),
            ("session.execute(sa.text('DELETE FROM families')); session.commit()", 0),
        ],
    ),
    (
        DJANGO,
        &[
            ("for family in Family.objects.all(): family.delete()", 4),
            ("Family.objects.all().delete()", 0),
            ("Family.objects.all()._raw_delete('default')", 0),
            ("connection.cursor().execute('DELETE FROM families')", 0),
            ("list(Family.objects.raw('DELETE FROM families'))", 0),
        ],
    ),
];

fn all_refused(sqlalchemy: &str, django: &str, left: impl Fn(&Stage) -> usize) {
    for (module, ends) in ENDS {
        let database = if *module == DJANGO { django } else { sqlalchemy };
        let module = module.replace("$DATABASE", database);
        for (end, gone) in *ends {
            let stage = Stage::with_drivers();
            let before = left(&stage);
            stage.refused(&format!("{module}{end}"));
            assert_eq!(before - left(&stage), *gone, "{end}");
        }
    }
}

#[test]
fn on_sqlite() {
    if needs(NEEDED) {
        let django = "{'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'orders.db'}";
        all_refused("sqlite:///orders.db", django, Stage::left);
    }
}

#[test]
fn on_mariadb() {
    if needs(NEEDED) {
        let maria = MariaDb::start();
        let port = maria.port;
        let django = format!(
            "{{'ENGINE': 'django.db.backends.mysql', 'HOST': '127.0.0.1', 'PORT': {port}, 'USER': 'root', 'NAME': 'shop'}}"
        );
        let sqlalchemy = format!("mysql+pymysql://root@127.0.0.1:{port}/shop");
        all_refused(&sqlalchemy, &django, |_| usize::try_from(maria.left()).expect("few"));
    }
}
