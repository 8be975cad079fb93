"""The ledger's tables, and the rules that the database itself keeps: the last line of defence.

Amounts are integer minor units, instants are UTC text that sorts. Nothing is ever deleted, an
immutable column is never updated, and there is no way out of a final state.
"""

APPLICATION_ID = 0x62756467
VERSION = 3

_IMMUTABLE = (
    "id, key, rule, policy_digest, account_id, account_name, instrument, part, direction, "
    "coupon_id, amount, currency, operation, body, body_hash, why, period, reading, "
    "unit_reading, read_at, master_read_at, made_at, expires_at, epoch"
)

_FIRST = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE intent (
  id TEXT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (length(key) = 32 AND key NOT GLOB '*[^0-9a-f]*'),
  rule TEXT NOT NULL CHECK (rule <> ''),
  policy_digest TEXT NOT NULL,
  account_id TEXT NOT NULL CHECK (account_id <> ''),
  account_name TEXT NOT NULL,
  instrument TEXT NOT NULL CHECK (instrument IN ('cash', 'credit', 'coupon')),
  part TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('allocate', 'reclaim')),
  coupon_id TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  operation TEXT NOT NULL,
  body BLOB NOT NULL,
  body_hash TEXT NOT NULL,
  why TEXT NOT NULL,
  period TEXT NOT NULL,
  reading INTEGER NOT NULL,
  unit_reading INTEGER,
  read_at TEXT NOT NULL,
  master_read_at TEXT,
  made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  booked INTEGER CHECK (booked >= 0),
  sent_at TEXT,
  ended_at TEXT,
  child_coupon_id TEXT,
  note TEXT NOT NULL DEFAULT '',
  CHECK (state IN ('prepared', 'sending', 'in_doubt', 'needs_human',
                   'settled', 'refused', 'cancelled', 'void')),
  CHECK ((state IN ('settled', 'refused', 'cancelled', 'void')) = (ended_at IS NOT NULL)),
  CHECK (state <> 'settled' OR booked IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX one_open_intent_per_unit ON intent (account_id, instrument, part)
  WHERE state IN ('prepared', 'sending', 'in_doubt', 'needs_human');
CREATE UNIQUE INDEX once_a_period ON intent (rule, account_id, instrument, part, direction, period)
  WHERE period <> '' AND state NOT IN ('refused', 'cancelled', 'void');
CREATE INDEX intent_by_time ON intent (made_at);

CREATE TABLE attempt (
  intent_id TEXT NOT NULL REFERENCES intent (id),
  number INTEGER NOT NULL CHECK (number > 0),
  signed_at TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  phase TEXT,
  status INTEGER,
  code TEXT,
  message TEXT,
  request_id TEXT,
  class TEXT,
  answered_at TEXT,
  PRIMARY KEY (intent_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  intent_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_intent ON event (intent_id, seq);

CREATE TABLE reading (
  account_id TEXT NOT NULL,
  instrument TEXT NOT NULL,
  read_at TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (account_id, instrument, read_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_by_time ON reading (read_at);

CREATE TABLE rule_loaded (rule TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
CREATE TABLE slot_decided (
  rule TEXT NOT NULL, account_id TEXT NOT NULL, period TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (rule, account_id, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE plan_used (digest TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;

CREATE TRIGGER intent_is_kept BEFORE DELETE ON intent
  BEGIN SELECT RAISE(ABORT, 'an intent is never deleted'); END;
CREATE TRIGGER intent_is_fixed BEFORE UPDATE OF {_IMMUTABLE} ON intent
  BEGIN SELECT RAISE(ABORT, 'what an intent promises never changes'); END;
CREATE TRIGGER final_is_final BEFORE UPDATE ON intent
  WHEN OLD.state IN ('settled', 'refused', 'cancelled', 'void')
  BEGIN SELECT RAISE(ABORT, 'a final state is never left'); END;
CREATE TRIGGER attempt_is_kept BEFORE DELETE ON attempt
  BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;
CREATE TRIGGER attempt_is_fixed BEFORE UPDATE ON attempt
  WHEN OLD.answered_at IS NOT NULL OR NEW.signed_at <> OLD.signed_at
    OR NEW.body_hash <> OLD.body_hash OR NEW.epoch <> OLD.epoch
    OR NEW.intent_id <> OLD.intent_id OR NEW.number <> OLD.number
  BEGIN SELECT RAISE(ABORT, 'an answered attempt never changes'); END;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
  BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
CREATE TRIGGER event_is_fixed BEFORE UPDATE ON event
  BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
"""

_SECOND = """
CREATE TABLE claim (
  record_id TEXT PRIMARY KEY CHECK (record_id <> ''),
  intent_id TEXT NOT NULL UNIQUE REFERENCES intent (id),
  moved_at TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  account_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  at TEXT NOT NULL,
  until TEXT,
  is_latched INTEGER NOT NULL CHECK (is_latched IN (0, 1)),
  ended_at TEXT,
  ended_by TEXT,
  ended_reason TEXT,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
  CHECK (is_latched = 0 OR ended_at IS NULL OR ended_reason <> '')
) STRICT;
CREATE INDEX pause_in_force ON pause (at) WHERE ended_at IS NULL;

CREATE TABLE proposal (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  rule TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('allocate', 'reclaim')),
  ask TEXT NOT NULL,
  limit_name TEXT NOT NULL,
  currency TEXT NOT NULL,
  made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'expired', 'moot', 'done')),
  decided_by TEXT NOT NULL DEFAULT '',
  decided_at TEXT,
  reason TEXT NOT NULL DEFAULT '',
  CHECK (state NOT IN ('approved', 'rejected') OR (decided_by <> '' AND decided_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_proposal ON proposal (id) WHERE state IN ('open', 'approved');

CREATE TABLE proposed (
  proposal INTEGER NOT NULL REFERENCES proposal (number),
  account_id TEXT NOT NULL,
  instrument TEXT NOT NULL CHECK (instrument IN ('cash', 'credit', 'coupon')),
  part TEXT NOT NULL,
  account_name TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  intent_id TEXT UNIQUE REFERENCES intent (id),
  PRIMARY KEY (proposal, account_id, instrument, part)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER claim_is_kept BEFORE DELETE ON claim
  BEGIN SELECT RAISE(ABORT, 'a claim is never deleted'); END;
CREATE TRIGGER claim_is_fixed BEFORE UPDATE ON claim
  BEGIN SELECT RAISE(ABORT, 'a claim never changes'); END;
CREATE TRIGGER pause_is_kept BEFORE DELETE ON pause
  BEGIN SELECT RAISE(ABORT, 'a pause is never deleted'); END;
CREATE TRIGGER proposal_is_kept BEFORE DELETE ON proposal
  BEGIN SELECT RAISE(ABORT, 'a proposal is never deleted'); END;
CREATE TRIGGER decided_is_decided BEFORE UPDATE OF state ON proposal
  WHEN OLD.state IN ('rejected', 'expired', 'moot', 'done')
    OR (OLD.state = 'approved' AND NEW.state NOT IN ('expired', 'done'))
  BEGIN SELECT RAISE(ABORT, 'a decided proposal stays decided'); END;
"""

# What calendar and `every` rules have done, which slots are over, and what holds the others.
_SLOTS = """
CREATE TABLE tick_served (rule TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
CREATE TABLE slot_closed (
  rule TEXT NOT NULL, period TEXT NOT NULL,
  slot_at TEXT NOT NULL, until TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('served', 'missed', 'dry_run')),
  undone INTEGER NOT NULL CHECK (undone >= 0),
  at TEXT NOT NULL,
  PRIMARY KEY (rule, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_closed_by_time ON slot_closed (rule, slot_at);
CREATE TABLE slot_open (
  rule TEXT NOT NULL, period TEXT NOT NULL, slot_at TEXT NOT NULL, until TEXT NOT NULL,
  PRIMARY KEY (rule, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE slot_held (
  rule TEXT NOT NULL, period TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (rule, period)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER closed_is_closed BEFORE UPDATE ON slot_closed
  BEGIN SELECT RAISE(ABORT, 'a slot that is over stays over'); END;
"""

# What the daemon last said of itself: one row.
_STANDING = """
CREATE TABLE standing (
  one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL, value TEXT NOT NULL
) STRICT;
"""

# What is told to people: alerts from their crossing to their end, moves that are announced.
_TELLING = """
CREATE TABLE alert (
  rule TEXT NOT NULL, account_id TEXT NOT NULL, account_name TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  raised_at TEXT NOT NULL, told_at TEXT NOT NULL, over_at TEXT,
  PRIMARY KEY (rule, account_id, raised_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_alert ON alert (rule, account_id) WHERE over_at IS NULL;
CREATE TABLE unread_since (account_id TEXT PRIMARY KEY, since TEXT NOT NULL) STRICT;
"""

# Reclaims that are announced and have not moved yet.
_NOTICES = """
CREATE TABLE notice (
  rule TEXT NOT NULL, account_id TEXT NOT NULL, instrument TEXT NOT NULL, part TEXT NOT NULL,
  period TEXT NOT NULL, at TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (rule, account_id, instrument, part, period)
) STRICT, WITHOUT ROWID;
"""

# Readings: the newest as rows, older ones a day at a time (`ledger/packing.py`). A series is of an
# account and an instrument together, or of one part of it. `last_at` and `last_value` are the
# newest reading's. Instants are microseconds since 1970.
_READINGS = """
CREATE TABLE series (
  number INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL, instrument TEXT NOT NULL, part TEXT NOT NULL,
  last_at INTEGER NOT NULL, last_value INTEGER NOT NULL,
  UNIQUE (account_id, instrument, part)
) STRICT;
CREATE TABLE reading_packed (
  series INTEGER NOT NULL, grain INTEGER NOT NULL, day INTEGER NOT NULL, samples BLOB NOT NULL,
  PRIMARY KEY (series, grain, day)
) STRICT, WITHOUT ROWID;

ALTER TABLE reading RENAME TO reading_before;
CREATE TABLE reading (
  series INTEGER NOT NULL, at INTEGER NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;
INSERT INTO series (account_id, instrument, part, last_at, last_value)
  SELECT DISTINCT account_id, instrument, '', 0, 0 FROM reading_before;
INSERT INTO reading SELECT series.number,
  CAST(strftime('%s', substr(read_at, 1, 19)) AS INTEGER) * 1000000
    + CAST(substr(read_at, 21, 6) AS INTEGER), value
  FROM reading_before AS one JOIN series USING (account_id, instrument);
UPDATE series SET (last_at, last_value) =
  (SELECT max(at), value FROM reading WHERE series = series.number);
DROP TABLE reading_before;
"""

# What is known of each series' spending, empty where it is not; found again from the readings.
_FORECASTS = """
CREATE TABLE forecast (
  series INTEGER PRIMARY KEY REFERENCES series (number),
  at INTEGER NOT NULL, zone TEXT NOT NULL, read_at INTEGER NOT NULL, burn TEXT NOT NULL
) STRICT;
"""

# What is billed by day, of accounts whose readings are too few, and when it was asked for.
_COSTS = """
CREATE TABLE cost (
  account_id TEXT NOT NULL, day TEXT NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (account_id, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE cost_asked (account_id TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
"""

_THIRD = _SLOTS + _STANDING + _TELLING + _NOTICES + _READINGS + _FORECASTS + _COSTS

STEPS = {1: _FIRST, 2: _SECOND, 3: _THIRD}
"""The way to each version from the one before; a new file walks all of them."""
