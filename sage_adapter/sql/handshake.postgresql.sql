-- Who answers, and what is there: PostgreSQL. Rows of (fact, subject, value), all text; handshake.py says what
-- each fact is for. Reads the catalog only. The clock is UTC. The incarnation is the cluster's system
-- identifier and the database's oid: another database, or a restored copy, has another oid.
SELECT 'database' AS fact, '' AS subject, CAST(current_database() AS text) AS value
UNION ALL
SELECT 'server', '', COALESCE(host(inet_server_addr()), 'local')
UNION ALL
SELECT 'version', '', 'PostgreSQL ' || current_setting('server_version')
UNION ALL
SELECT 'login', '', CAST(session_user AS text)
UNION ALL
SELECT 'application', '', current_setting('application_name')
UNION ALL
SELECT 'now', '', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
UNION ALL
SELECT 'incarnation', 'cluster', CAST(c.system_identifier AS text) FROM pg_control_system() AS c
UNION ALL
SELECT 'incarnation', 'database', d.oid || ' ' || lower(d.datname)
FROM pg_catalog.pg_database AS d
WHERE d.datname = current_database()
UNION ALL
SELECT 'role', 'superuser', CASE WHEN r.rolsuper THEN '1' ELSE '0' END
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
UNION ALL
SELECT 'table', n.nspname || '.' || t.relname, CASE WHEN t.relkind = 'r' THEN 'table' ELSE 'view' END
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname IN ('dbo', 'dbo_Audit') AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'column', n.nspname || '.' || t.relname, CAST(a.attname AS text)
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('dbo', 'dbo_Audit') AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'filter', n.nspname || '.' || t.relname, 'row security'
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname = 'dbo' AND t.relrowsecurity
UNION ALL
SELECT
    'may-read', n.nspname || '.' || t.relname,
    CASE WHEN has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT') THEN '1' ELSE '0' END
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname IN ('dbo', 'dbo_Audit') AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT
    'may-write', n.nspname || '.' || t.relname,
    CASE
        WHEN has_table_privilege(t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') THEN '1'
        WHEN has_any_column_privilege(t.oid, 'INSERT, UPDATE') THEN '1'
        ELSE '0'
    END
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname IN ('dbo', 'dbo_Audit') AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
-- A look is one transaction that sees one moment, always.
SELECT 'snapshot', '', '1'
UNION ALL
SELECT 'read-committed-snapshot', '', '1'
UNION ALL
SELECT 'collation', '', CAST(d.datcollate AS text) FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
