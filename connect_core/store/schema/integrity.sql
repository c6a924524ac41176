-- Rules that no row may break. Each rule is a query that selects the numbers of the rows that break it, and never a
-- value from them. The script runs unchanged on SQLite, PostgreSQL and MariaDB; `connect-login db check` runs it and
-- reports. Comments before each query, which the report quotes:
--
-- name:   the rule's name                 means:  what is wrong with a row that breaks it
-- cure:   what to do about such a row     where:  present on rules that apply only when members live in es_member

-- name: connection_without_member
-- means: an active connection leads to a member that does not exist; its logins are refused
-- cure: play the member back from a back-up, or end the connection and its ids (unbound_time)
-- where: members live in es_member
SELECT c.id AS row_id FROM es_connect c LEFT JOIN es_member m ON m.id = c.member_id
WHERE c.unbound_time IS NULL AND m.id IS NULL;

-- name: session_without_member
-- means: a session belongs to a member that does not exist
-- cure: delete the session
-- where: members live in es_member
SELECT s.id AS row_id FROM es_member_session s LEFT JOIN es_member m ON m.id = s.member_id
WHERE m.id IS NULL;

-- name: alias_without_connection
-- means: an id leads to a connection that does not exist
-- cure: delete the id
SELECT a.id AS row_id FROM es_connect_alias a LEFT JOIN es_connect c ON c.id = a.connect_id
WHERE c.id IS NULL;

-- name: alias_of_ended_connection
-- means: an active id leads to an ended connection; its person is registered anew
-- cure: end the id with its connection (unbound_time)
SELECT a.id AS row_id FROM es_connect_alias a JOIN es_connect c ON c.id = a.connect_id
WHERE a.unbound_time IS NULL AND c.unbound_time IS NOT NULL;

-- name: alias_of_another_type
-- means: an id has another union type than its connection
-- cure: give the id the connection's union type
SELECT a.id AS row_id FROM es_connect_alias a JOIN es_connect c ON c.id = a.connect_id
WHERE a.union_type <> c.union_type;

-- name: alias_of_unknown_kind
-- means: an id is of a kind that does not exist
-- cure: write union_id, user_id or open_id
SELECT id AS row_id FROM es_connect_alias
WHERE kind NOT IN ('union_id', 'user_id', 'open_id');

-- name: connection_with_ended_aliases_alone
-- means: an active connection has ids, all of them ended: nobody can log in with it
-- cure: end the connection, or the end of its ids is a mistake: set their unbound_time to NULL
SELECT c.id AS row_id FROM es_connect c
WHERE c.unbound_time IS NULL
  AND EXISTS (SELECT 1 FROM es_connect_alias a WHERE a.connect_id = c.id)
  AND NOT EXISTS (SELECT 1 FROM es_connect_alias a WHERE a.connect_id = c.id AND a.unbound_time IS NULL);

-- name: union_id_that_is_no_alias
-- means: a connection's union_id is none of its active ids
-- cure: write the strongest of its ids (user_id, union_id, open_id) and that one's scope
SELECT c.id AS row_id FROM es_connect c
WHERE c.unbound_time IS NULL
  AND EXISTS (SELECT 1 FROM es_connect_alias a WHERE a.connect_id = c.id AND a.unbound_time IS NULL)
  AND NOT EXISTS (
    SELECT 1 FROM es_connect_alias a
    WHERE a.connect_id = c.id AND a.unbound_time IS NULL AND a.value = c.union_id AND a.scope = c.union_scope);

-- name: identity_bound_twice
-- means: two active connections are of one identity; a unique constraint is missing
-- cure: end all but the right one, and put the constraint back
SELECT DISTINCT c.id AS row_id FROM es_connect c
JOIN es_connect d ON d.union_type = c.union_type AND d.union_scope = c.union_scope AND d.union_id = c.union_id
WHERE c.unbound_time IS NULL AND d.unbound_time IS NULL AND d.id <> c.id;

-- name: member_bound_twice
-- means: a member has two active connections of one union type; a unique constraint is missing
-- cure: end all but the right one, and put the constraint back
SELECT DISTINCT c.id AS row_id FROM es_connect c
JOIN es_connect d ON d.member_id = c.member_id AND d.union_type = c.union_type
WHERE c.unbound_time IS NULL AND d.unbound_time IS NULL AND d.id <> c.id;

-- name: id_held_twice
-- means: one id leads to two connections; a unique constraint is missing
-- cure: end all but the right one, and put the constraint back
SELECT DISTINCT a.id AS row_id FROM es_connect_alias a
JOIN es_connect_alias b ON b.union_type = a.union_type AND b.kind = a.kind AND b.scope = a.scope AND b.value = a.value
WHERE a.unbound_time IS NULL AND b.unbound_time IS NULL AND b.id <> a.id;

-- name: name_taken_twice
-- means: two members have one account name; a unique constraint is missing
-- cure: rename all but one, and put the constraint back
SELECT DISTINCT m.id AS row_id FROM es_member m JOIN es_member n ON n.uname = m.uname
WHERE n.id <> m.id;

-- name: token_held_twice
-- means: two sessions have one token; a unique constraint is missing
-- cure: delete them, and put the constraint back
SELECT DISTINCT s.id AS row_id FROM es_member_session s JOIN es_member_session t ON t.token_hash = s.token_hash
WHERE t.id <> s.id;

-- name: blank_id_of_a_connection
-- means: a connection is of a blank id or union type: whoever comes without an id would be its member
-- cure: end the connection
SELECT id AS row_id FROM es_connect
WHERE unbound_time IS NULL AND (TRIM(union_id) = '' OR TRIM(union_type) = '');

-- name: blank_id
-- means: an id is blank, or has a blank union type
-- cure: delete the id
SELECT id AS row_id FROM es_connect_alias
WHERE TRIM(value) = '' OR TRIM(union_type) = '';

-- name: profile_that_is_no_object
-- means: a stored profile is not a JSON object; the person's logins fail
-- cure: set profile to NULL
SELECT id AS row_id FROM es_connect
WHERE profile NOT LIKE '{%}';

-- name: session_of_unknown_client
-- means: a session is of a client type that does not exist
-- cure: delete the session
SELECT id AS row_id FROM es_member_session
WHERE client_type NOT IN ('pc', 'h5', 'app', 'mini');

-- name: session_token_in_clear
-- means: a session's token_hash is not a SHA-256 in hex: a token may stand there in clear
-- cure: delete the session; whoever wrote the row must write hashes
SELECT id AS row_id FROM es_member_session
WHERE (LENGTH(token_hash) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    token_hash, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '');

-- name: flow_in_clear
-- means: a spent state or code is not a hash: it may stand there in clear
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_used_flow
WHERE (LENGTH(hash) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    hash, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '');

-- name: flow_owner_in_clear
-- means: the state that a code belongs to is not a hash: it may stand there in clear
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_used_flow
WHERE flow <> '' AND (LENGTH(flow) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    flow, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '');

-- name: handover_in_clear
-- means: the id or the secret of a hand-over is not a hash: it may stand there in clear
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_handover
WHERE (LENGTH(hash) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    hash, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '')
   OR (LENGTH(secret_hash) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    secret_hash, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '');

-- name: handover_approved_by_nobody
-- means: a hand-over is approved or collected, and by no member or in no session
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_handover
WHERE state IN ('approved', 'collected') AND (member_id = 0 OR family = '');

-- name: handover_of_unknown_state
-- means: a hand-over is in a state that does not exist
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_handover
WHERE state NOT IN ('waiting', 'scanned', 'approved', 'denied', 'collected');

-- name: connection_of_a_merged_member
-- means: an active connection leads to a member who was merged into another; its logins are refused
-- cure: give it to the member into whom this one was merged (kept_id), or end it with its ids (unbound_time)
SELECT c.id AS row_id FROM es_connect c JOIN es_member_merge g ON g.merged_id = c.member_id
WHERE c.unbound_time IS NULL;

-- name: session_of_a_merged_member
-- means: a session of a member who was merged into another was not ended
-- cure: delete the session
SELECT s.id AS row_id FROM es_member_session s JOIN es_member_merge g ON g.merged_id = s.member_id
WHERE s.revoked_time IS NULL;

-- name: merged_member_enabled
-- means: a member who was merged into another is not disabled
-- cure: set disabled to 2; delete the merge when it was undone by hand
-- where: members live in es_member
SELECT m.id AS row_id FROM es_member m JOIN es_member_merge g ON g.merged_id = m.id
WHERE m.disabled = 0;

-- name: member_merged_twice
-- means: a member was merged into itself or into two others; a unique constraint is missing
-- cure: delete all but the right merge, and put the constraint back
SELECT DISTINCT g.id AS row_id FROM es_member_merge g LEFT JOIN es_member_merge h ON h.merged_id = g.merged_id
WHERE g.kept_id = g.merged_id OR h.id <> g.id;

-- name: setting_in_clear
-- means: a setting is not sealed
-- cure: delete the row and set it again; treat a secret in it as known
SELECT id AS row_id FROM es_connect_setting
WHERE value NOT LIKE 'v1.________._%';

-- name: event_about_a_known_person
-- means: an event's subject_hash is not a hash: it may be the id itself
-- cure: empty the column; whoever wrote the row must write hashes
SELECT id AS row_id FROM es_connect_event
WHERE subject_hash <> '' AND (LENGTH(subject_hash) <> 64 OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
    subject_hash, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''),
    '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') <> '');

-- name: event_with_an_id
-- means: an event's text has an id of its person in it (a shorter one than 8 may stand there by chance)
-- cure: empty detail or request_id; whoever wrote the row must not write ids
SELECT DISTINCT e.id AS row_id FROM es_connect_event e JOIN es_connect_alias a ON a.connect_id = e.connect_id
WHERE LENGTH(a.value) >= 8
  AND (REPLACE(e.detail, a.value, '') <> e.detail OR REPLACE(e.request_id, a.value, '') <> e.request_id);

-- name: event_with_a_secret
-- means: an event's text looks like a key, a token or an address with a query
-- cure: empty detail; treat what stood there as known
SELECT id AS row_id FROM es_connect_event
WHERE detail LIKE '%PRIVATE KEY%' OR detail LIKE '%eyJ%.%' OR detail LIKE '%v1.________._%' OR detail LIKE '%://%?%=%'
   OR detail LIKE '%code=%' OR detail LIKE '%state=%' OR detail LIKE '%token%=%' OR detail LIKE '%secret%=%';

-- name: time_of_a_member
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_member
WHERE create_time < 0 OR create_time > 4102444800
   OR last_login < 0 OR last_login > 4102444800;

-- name: time_of_a_connection
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_connect
WHERE create_time < 0 OR create_time > 4102444800
   OR profile_time < 0 OR profile_time > 4102444800
   OR unbound_time < 0 OR unbound_time > 4102444800;

-- name: time_of_an_id
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_connect_alias
WHERE unbound_time < 0 OR unbound_time > 4102444800;

-- name: time_of_a_setting
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_connect_setting
WHERE update_time < 0 OR update_time > 4102444800;

-- name: time_of_a_session
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_member_session
WHERE create_time < 0 OR create_time > 4102444800
   OR seen_time < 0 OR seen_time > 4102444800
   OR expiry_time < 0 OR expiry_time > 4102444800
   OR rotated_time < 0 OR rotated_time > 4102444800
   OR revoked_time < 0 OR revoked_time > 4102444800;

-- name: time_of_a_flow
-- means: a time is not in epoch seconds; it is never swept
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_used_flow
WHERE expiry_time < 0 OR expiry_time > 4102444800;

-- name: time_of_a_handover
-- means: a time is not in epoch seconds, or a QR code holds for longer than two minutes
-- cure: delete the row; the number shown is its expiry_time
SELECT expiry_time AS row_id FROM es_connect_handover
WHERE create_time < 0 OR expiry_time > 4102444800 OR expiry_time > create_time + 120;

-- name: time_of_a_merge
-- means: a time is not in epoch seconds, or a merge can be undone though nothing tells what it moved
-- cure: correct it, milliseconds are divided by 1000; or set undo_until to NULL
SELECT id AS row_id FROM es_member_merge
WHERE create_time < 0 OR create_time > 4102444800
   OR undo_until < create_time OR undo_until > 4102444800
   OR (undo_until IS NOT NULL AND (moved IS NULL OR ended IS NULL));

-- name: time_of_a_consent
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_member_consent
WHERE create_time < 0 OR create_time > 4102444800;

-- name: time_of_an_event
-- means: a time is not in epoch seconds
-- cure: correct it; milliseconds are divided by 1000
SELECT id AS row_id FROM es_connect_event
WHERE create_time < 0 OR create_time > 4102444800;
