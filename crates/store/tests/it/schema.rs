//! Both migration sets make the same schema, and the connection is as safe as it should be.

use std::collections::BTreeSet;
use store::testing::{TestDatabase, postgres, sqlite};
use store::{ConnectOptions, DatabaseUrl, Db};

async fn set(database: &TestDatabase, sql: &str) -> BTreeSet<String> {
    let rows = database.texts(sql).await.unwrap();
    let set: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(set.len(), rows.len(), "duplicates in {rows:?}");
    set
}

/// `table.column kind null-or-not`, where the kinds are those that both databases have.
const COLUMNS_SQLITE: &str = "
    SELECT t.name || '.' || c.name || ' ' ||
           CASE c.type WHEN 'INTEGER' THEN 'number' WHEN 'TEXT' THEN 'text'
                       WHEN 'BLOB' THEN 'bytes' ELSE c.type END || ' ' ||
           CASE WHEN c.\"notnull\" = 1 THEN 'required' ELSE 'optional' END
      FROM sqlite_master t, pragma_table_info(t.name) c
     WHERE t.type = 'table'
       AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
       AND t.name NOT LIKE 'sqlite%'";
const COLUMNS_POSTGRES: &str = "
    SELECT table_name || '.' || column_name || ' ' ||
           CASE data_type WHEN 'bigint' THEN 'number' WHEN 'boolean' THEN 'number'
                          WHEN 'text' THEN 'text' WHEN 'bytea' THEN 'bytes'
                          ELSE data_type END || ' ' ||
           CASE WHEN is_nullable = 'NO' THEN 'required' ELSE 'optional' END
      FROM information_schema.columns
     WHERE table_schema = 'public'
       AND table_name NOT LIKE '\\_sqlx%'";

#[tokio::test]
async fn both_have_the_same_tables_and_columns() {
    let sqlite = sqlite().await;
    let ours = set(&sqlite, COLUMNS_SQLITE).await;
    assert!(ours.contains("users.email text required"), "{ours:?}");
    assert!(ours.contains("idempotent_replies.body bytes optional"), "{ours:?}");
    if let Some(postgres) = postgres().await {
        assert_eq!(ours, set(&postgres, COLUMNS_POSTGRES).await);
    }
}

/// `table (columns) [partial]` of every unique index, primary keys included.
const UNIQUE_SQLITE: &str = "
    SELECT t.name || ' (' ||
           (SELECT group_concat(x.name) FROM (SELECT name FROM pragma_index_info(i.name)
                                               ORDER BY seqno) x) || ')' ||
           CASE WHEN i.partial THEN ' partial' ELSE '' END
      FROM sqlite_master t, pragma_index_list(t.name) i
     WHERE t.type = 'table'
       AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
       AND i.\"unique\" = 1";
const UNIQUE_POSTGRES: &str = "
    SELECT t.relname || ' (' ||
           (SELECT string_agg(a.attname, ',' ORDER BY k.place)
              FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) || ')' ||
           CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
      FROM pg_index i
      JOIN pg_class t ON t.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE n.nspname = 'public'
       AND t.relname NOT LIKE '\\_sqlx%'
       AND i.indisunique";

#[tokio::test]
async fn both_have_the_same_unique_keys() {
    let sqlite = sqlite().await;
    let ours = set(&sqlite, UNIQUE_SQLITE).await;
    assert!(ours.contains("api_keys (key_hash) partial"), "{ours:?}");
    assert!(ours.contains("ledger_transfers (idempotency_key)"), "{ours:?}");
    if let Some(postgres) = postgres().await {
        assert_eq!(ours, set(&postgres, UNIQUE_POSTGRES).await);
    }
}

#[tokio::test]
async fn both_have_the_same_named_indices() {
    const SQLITE: &str = "
        SELECT tbl_name || ' ' || name
          FROM sqlite_master
         WHERE type = 'index'
           AND name NOT LIKE 'sqlite%'";
    // Primary keys have names here that SQLite does not give them.
    const POSTGRES: &str = "
        SELECT tablename || ' ' || indexname
          FROM pg_indexes
         WHERE schemaname = 'public'
           AND tablename NOT LIKE '\\_sqlx%'
           AND indexname NOT LIKE '%\\_pkey'";
    let sqlite = sqlite().await;
    let ours = set(&sqlite, SQLITE).await;
    for index in [
        "generations generations_by_workspace",
        "generations generations_by_key",
        "ledger_transfers ledger_transfers_by_debit",
        "ledger_transfers ledger_transfers_by_credit",
    ] {
        assert!(ours.contains(index), "{index} is missing from {ours:?}");
    }
    if let Some(postgres) = postgres().await {
        assert_eq!(ours, set(&postgres, POSTGRES).await);
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    for database in store::testing::databases().await {
        database.db.migrate().await.unwrap();
        database.db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn several_instances_may_migrate_at_once() {
    for database in store::testing::databases().await {
        let db = &database.db;
        let (one, two, three) = tokio::join!(db.migrate(), db.migrate(), db.migrate());
        one.and(two).and(three).unwrap();
    }
}

#[tokio::test]
async fn sqlite_keeps_what_it_was_told_to_keep() {
    let database = sqlite().await;
    assert_eq!(database.texts("PRAGMA journal_mode").await.unwrap(), ["wal"]);
    // Two is FULL: a commit is on disk when it returns.
    let synchronous = "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous";
    assert_eq!(database.texts(synchronous).await.unwrap(), ["2"]);
    let foreign_keys = "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys";
    assert_eq!(database.texts(foreign_keys).await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_closed_database_is_unavailable() {
    for database in store::testing::databases().await {
        let url: DatabaseUrl = database.url().parse().unwrap();
        let second = Db::connect(&ConnectOptions::new(url)).await.unwrap();
        second.ping().await.unwrap();
        second.close().await;
        assert!(second.ping().await.unwrap_err().is_unavailable());
        database.db.ping().await.unwrap();
    }
}
