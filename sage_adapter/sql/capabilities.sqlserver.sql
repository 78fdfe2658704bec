-- What the report on a connection shows beside: SQL Server. Rows of (fact, subject, value).
SELECT 'compatibility' AS fact, '' AS subject, CAST(d.compatibility_level AS nvarchar(400)) AS value
FROM sys.databases AS d
WHERE d.database_id = DB_ID()
UNION ALL
SELECT 'read-committed-snapshot', '', CAST(d.is_read_committed_snapshot_on AS nvarchar(400))
FROM sys.databases AS d
WHERE d.database_id = DB_ID()
UNION ALL
SELECT 'collation', '', CAST(d.collation_name AS nvarchar(400)) COLLATE DATABASE_DEFAULT
FROM sys.databases AS d
WHERE d.database_id = DB_ID()
