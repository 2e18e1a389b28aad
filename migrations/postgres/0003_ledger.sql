-- The books: enforced accounts, the transfers between accounts, and the leases that nodes hold.
-- Amounts are nano-dollars.

-- Accounts that refuse to be overdrawn keep a running balance here. All other accounts exist
-- only as the sum of their transfers: a running total of revenue would be one row that every
-- settlement waits for. The last check is the guarantee of last resort; statements decide
-- before it is reached. The bound on credits keeps the sums of the checks within 64 bits.
CREATE TABLE ledger_accounts (
    account_key TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (workspace_id),
    credits_posted_nanos BIGINT NOT NULL CHECK (credits_posted_nanos BETWEEN 0 AND 4000000000000000000),
    debits_posted_nanos BIGINT NOT NULL CHECK (debits_posted_nanos >= 0),
    debits_pending_nanos BIGINT NOT NULL CHECK (debits_pending_nanos >= 0),
    overdraft_nanos BIGINT NOT NULL CHECK (overdraft_nanos BETWEEN 0 AND 4000000000000000000),
    created_at BIGINT NOT NULL,
    CONSTRAINT ledger_accounts_not_overdrawn CHECK (
        debits_posted_nanos + debits_pending_nanos <= credits_posted_nanos + overdraft_nanos
    )
);

CREATE UNIQUE INDEX ledger_accounts_workspace_id_key ON ledger_accounts (workspace_id);

CREATE TABLE ledger_transfers (
    transfer_id TEXT NOT NULL PRIMARY KEY,
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    amount_nanos BIGINT NOT NULL CHECK (amount_nanos > 0),
    code TEXT NOT NULL,
    -- What makes a retry harmless.
    idempotency_key TEXT NOT NULL,
    reference TEXT NOT NULL,
    reverses TEXT REFERENCES ledger_transfers (transfer_id),
    created_at BIGINT NOT NULL,
    CHECK (debit_account <> credit_account)
);

CREATE UNIQUE INDEX ledger_transfers_idempotency_key_key ON ledger_transfers (idempotency_key);
CREATE INDEX ledger_transfers_by_debit ON ledger_transfers (debit_account, created_at, transfer_id);
CREATE INDEX ledger_transfers_by_credit ON ledger_transfers (credit_account, created_at, transfer_id);

-- A transfer is never changed or removed. A mistake is undone by another transfer.
CREATE FUNCTION ledger_transfers_refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger_transfers is append-only';
END;
$$;

CREATE TRIGGER ledger_transfers_refuse_update BEFORE UPDATE ON ledger_transfers
    FOR EACH ROW EXECUTE FUNCTION ledger_transfers_refuse();

CREATE TRIGGER ledger_transfers_refuse_delete BEFORE DELETE ON ledger_transfers
    FOR EACH ROW EXECUTE FUNCTION ledger_transfers_refuse();

-- SQLite has no TRUNCATE; its DELETE trigger sees every row.
CREATE TRIGGER ledger_transfers_refuse_truncate BEFORE TRUNCATE ON ledger_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfers_refuse();

-- Slices of funds that nodes hold. Only open leases count as pending.
CREATE TABLE credit_leases (
    lease_id TEXT NOT NULL PRIMARY KEY,
    fund_key TEXT NOT NULL,
    node_id TEXT NOT NULL,
    amount_nanos BIGINT NOT NULL CHECK (amount_nanos >= 0),
    -- What settlements have left of it.
    remaining_nanos BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'returned', 'expired')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT,
    CONSTRAINT credit_leases_within_amount CHECK (remaining_nanos BETWEEN 0 AND amount_nanos)
);

CREATE INDEX credit_leases_by_expiry ON credit_leases (expires_at) WHERE state = 'open';
CREATE INDEX credit_leases_by_fund ON credit_leases (fund_key) WHERE state = 'open';
CREATE INDEX credit_leases_by_closing ON credit_leases (closed_at);

-- What a limited key spent and has leased in one window. A row is made by the first lease of the
-- window; the limit itself is that of the key.
CREATE TABLE key_budgets (
    fund_key TEXT NOT NULL PRIMARY KEY,
    api_key_id TEXT NOT NULL REFERENCES api_keys (api_key_id),
    window_start BIGINT NOT NULL,
    spent_nanos BIGINT NOT NULL CHECK (spent_nanos >= 0),
    pending_nanos BIGINT NOT NULL CHECK (pending_nanos >= 0)
);

CREATE INDEX key_budgets_by_key ON key_budgets (api_key_id, window_start);
