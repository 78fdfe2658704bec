-- Who answers, and what is there: SQL Server 2012 and later. Rows of (fact, subject, value), all text;
-- handshake.py says what each fact is for. Only what every server of this kind can say, since without it there
-- is no look; the rest is in rights, recovery, roles and capabilities. Reads the catalog only. Names are brought
-- to one collation, since the server's and the database's may differ. create_date names the database.
-- The name of the user tells an owner or administrator from others: both are dbo in the database.
SELECT 'database' AS fact, CAST('' AS nvarchar(400)) AS subject, CAST(DB_NAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT AS value
UNION ALL
SELECT 'server', '', CAST(@@SERVERNAME AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'version', '', CAST(@@VERSION AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'login', '', CAST(SUSER_SNAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'user', '', CAST(USER_NAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'application', '', CAST(APP_NAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'now', '', CONVERT(nvarchar(40), SYSDATETIME(), 126)
UNION ALL
SELECT 'incarnation', '1 server', LOWER(CAST(@@SERVERNAME AS nvarchar(400)) COLLATE DATABASE_DEFAULT)
UNION ALL
SELECT 'incarnation', '2 database', LOWER(CAST(DB_NAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT)
UNION ALL
SELECT 'incarnation', '3 created', CONVERT(nvarchar(40), d.create_date, 126)
FROM sys.databases AS d
WHERE d.database_id = DB_ID()
UNION ALL
SELECT 'snapshot', '', CASE WHEN d.snapshot_isolation_state = 1 THEN '1' ELSE '0' END
FROM sys.databases AS d
WHERE d.database_id = DB_ID()
UNION ALL
SELECT 'table', CAST(s.name + '.' + o.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT,
    CASE WHEN o.type = 'U' THEN 'table' ELSE 'view' END
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE s.name IN ('dbo', 'dbo_Audit') AND o.type IN ('U', 'V', 'SN')
    AND o.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
UNION ALL
SELECT 'column', CAST(s.name + '.' + o.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT,
    CAST(c.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
JOIN sys.columns AS c ON c.object_id = o.object_id
WHERE s.name IN ('dbo', 'dbo_Audit') AND o.type IN ('U', 'V')
    AND o.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
UNION ALL
-- Row filters are objects of type SP (security policy, SQL Server 2016 and later); asked through sys.objects
-- because older servers have no sys.security_policies.
SELECT 'filter', CAST(o.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT, 'security policy'
FROM sys.objects AS o
WHERE o.type = 'SP'
