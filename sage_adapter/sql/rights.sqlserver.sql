-- What our login may do: SQL Server. Rows of (fact, subject, value); a right that the server does not tell is
-- NULL: "do not know". A server of another make may lack one of these functions; then nothing here is known.
-- Whoever may not see definitions does not see row filters either (Microsoft: Metadata visibility).
SELECT 'role' AS fact, CAST('sysadmin' AS nvarchar(400)) AS subject, CAST(IS_SRVROLEMEMBER('sysadmin') AS nvarchar(4)) AS value
UNION ALL
SELECT 'role', 'db_owner', CAST(IS_MEMBER('db_owner') AS nvarchar(4))
UNION ALL
SELECT 'role', 'db_datawriter', CAST(IS_MEMBER('db_datawriter') AS nvarchar(4))
UNION ALL
SELECT 'role', 'db_ddladmin', CAST(IS_MEMBER('db_ddladmin') AS nvarchar(4))
UNION ALL
SELECT 'sees-filters', '', CAST(HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION') AS nvarchar(4))
UNION ALL
SELECT 'has-filters', '', CASE WHEN OBJECT_ID('sys.security_policies') IS NULL THEN '0' ELSE '1' END
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
