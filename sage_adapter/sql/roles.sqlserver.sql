-- The same as the roles of rights.sqlserver.sql, from the catalog: for the report on a connection, and where a
-- server lacks the functions. One row for each role that can write and that our user is in by name; none
-- proves nothing, since a role may hold another.
SELECT 'role' AS fact, CAST(r.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT AS subject, '1' AS value
FROM sys.database_role_members AS m
JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id
WHERE u.name = USER_NAME() AND r.name IN ('db_owner', 'db_datawriter', 'db_ddladmin', 'db_datareader')
