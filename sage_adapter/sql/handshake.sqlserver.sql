-- Who answers, and what is there: SQL Server 2012 and later. Rows of (fact, subject, value), all text;
-- handshake.py says what each fact is for. Reads the catalog only. Names are brought to one collation, since
-- the server's and the database's may differ. A right that the server does not tell is NULL: "do not know".
-- create_date names the database, recovery_fork_guid (where the login may see it) changes with a restore.
-- Row filters are objects of type SP (security policy, SQL Server 2016 and later); asked through sys.objects
-- because older servers have no sys.security_policies.
SELECT 'database' AS fact, CAST('' AS nvarchar(400)) AS subject, CAST(DB_NAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT AS value
UNION ALL
SELECT 'server', '', CAST(@@SERVERNAME AS nvarchar(400)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'version', '', 'SQL Server ' + CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(100)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'login', '', CAST(SUSER_SNAME() AS nvarchar(400)) COLLATE DATABASE_DEFAULT
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
SELECT 'incarnation', '4 recovery fork', CAST(r.recovery_fork_guid AS nvarchar(40))
FROM sys.database_recovery_status AS r
WHERE r.database_id = DB_ID() AND r.recovery_fork_guid IS NOT NULL
UNION ALL
SELECT 'role', 'sysadmin', CAST(IS_SRVROLEMEMBER('sysadmin') AS nvarchar(4))
UNION ALL
SELECT 'role', 'db_owner', CAST(IS_MEMBER('db_owner') AS nvarchar(4))
UNION ALL
SELECT 'role', 'db_datawriter', CAST(IS_MEMBER('db_datawriter') AS nvarchar(4))
UNION ALL
SELECT 'role', 'db_ddladmin', CAST(IS_MEMBER('db_ddladmin') AS nvarchar(4))
UNION ALL
SELECT 'may-write', 'database ' + p.permission_name,
    CAST(HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', p.permission_name) AS nvarchar(4))
FROM (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('ALTER')) AS p(permission_name)
UNION ALL
SELECT 'may-write', CAST(s.name + '.' + t.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT,
    CAST(HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(t.name), 'OBJECT', p.permission_name) AS nvarchar(4))
FROM sys.tables AS t
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('ALTER')) AS p(permission_name)
WHERE s.name IN ('dbo', 'dbo_Audit') AND t.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
UNION ALL
-- UPDATE may be granted on single columns; the table's own right does not show it. A column's name takes no
-- brackets here (Microsoft: HAS_PERMS_BY_NAME, sub-securables).
SELECT 'may-write', CAST(s.name + '.' + t.name + '.' + c.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT, '1'
FROM sys.tables AS t
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
JOIN sys.columns AS c ON c.object_id = t.object_id
WHERE s.name IN ('dbo', 'dbo_Audit') AND t.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
    AND HAS_PERMS_BY_NAME(
        QUOTENAME(s.name) + '.' + QUOTENAME(t.name), 'OBJECT', 'UPDATE', c.name, 'COLUMN'
    ) = 1
UNION ALL
SELECT 'may-read', CAST(s.name + '.' + t.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT,
    CAST(HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(t.name), 'OBJECT', 'SELECT') AS nvarchar(4))
FROM sys.tables AS t
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name IN ('dbo', 'dbo_Audit') AND t.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
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
SELECT 'filter', CAST(o.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT, 'security policy'
FROM sys.objects AS o
WHERE o.type = 'SP'
