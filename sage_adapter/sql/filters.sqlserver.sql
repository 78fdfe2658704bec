-- Row filters from their own view, for the report on a connection: SQL Server 2016 and later; older servers, and
-- those of another make, have no such view and no row filters. The handshake of a look finds the same policies
-- among sys.objects, which every server has (Microsoft: sys.security_policies, type SP).
SELECT 'filter' AS fact, CAST(p.name AS nvarchar(400)) COLLATE DATABASE_DEFAULT AS subject, 'security policy' AS value
FROM sys.security_policies AS p
