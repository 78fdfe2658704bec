-- Who answers, and what is there: practice company (sqlite3) and SQLite ODBC. Rows of (fact, subject, value),
-- all text; handshake.py says what each fact is for. There are no logins and no row filters here, and the
-- clock is UTC. Reads the attached databases' catalogs; of data only the company's identity.
SELECT 'database' AS fact, '' AS subject, i.database_name AS value FROM dbo.sandbox_identity AS i
UNION ALL
SELECT 'incarnation', 'id', i.incarnation FROM dbo.sandbox_identity AS i
UNION ALL
SELECT 'server', '', 'Sage sandbox'
UNION ALL
SELECT 'version', '', 'SQLite ' || sqlite_version()
UNION ALL
SELECT 'now', '', strftime('%Y-%m-%d %H:%M:%f', 'now')
UNION ALL
SELECT 'table', t.schema || '.' || t.name, t.type
FROM pragma_table_list AS t
WHERE t.schema NOT IN ('main', 'temp') AND t.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
UNION ALL
SELECT 'column', t.schema || '.' || t.name, c.name
FROM pragma_table_list AS t
JOIN pragma_table_info(t.name, t.schema) AS c
WHERE t.schema NOT IN ('main', 'temp') AND t.name IN ('actrec', 'actpay', 'subcon', 'sbcnln', 'prmchg', 'sbcgln')
UNION ALL
-- A look is one transaction, and nobody saves while it reads.
SELECT 'snapshot', '', '1'
