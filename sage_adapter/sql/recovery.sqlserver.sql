-- What a restore changes: SQL Server. recovery_fork_guid is part of the incarnation where the login may see it;
-- a server of another make may not have the view at all.
SELECT 'incarnation' AS fact, '4 recovery fork' AS subject, CAST(r.recovery_fork_guid AS nvarchar(40)) AS value
FROM sys.database_recovery_status AS r
WHERE r.database_id = DB_ID() AND r.recovery_fork_guid IS NOT NULL
