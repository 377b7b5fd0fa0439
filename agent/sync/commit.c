/* commit.c - a commit from its beginning to its end, and what a new start finds of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

/* What no operation has a word for. */
static int fail(struct plan *p, const char *what, int error)
{
	if (error != 0 && p->reason[0] == '\0')
		snprintf(p->reason, sizeof(p->reason), "%s: %.60s", what, strerror(-error));
	return error;
}

static int verify_roots(struct plan *p)
{
	int error = roots_verify(p->c.roots);

	if (error != 0)
		return fail(p, "a directory of the settings has been replaced", error);
	for (uint32_t i = 0; i < p->op_n; i++) {
		uint8_t root = p->op[i].entry.root;

		if ((p->op[i].staged || p->op[i].nest != NEST_NONE) &&
		    (error = stage_open(p, root)) < 0)
			return plan_fail_op(p, &p->op[i], "the stage cannot be opened", error);
	}
	return 0;
}

/* What goes, deepest first; then what is there, parents first. */
static int put(struct plan *p, const struct op *op, uint64_t number)
{
	const struct content *c = op->content;
	bool tags = c != NULL && op->entry.type == SYNC_FILE && op->kind != OP_ATTRIBUTES;

	if ((op->flags & OP_DONE) == 0)
		return 0;
	if (op->kind == OP_ATTRIBUTES) {
		tree_id id =
			tree_find(p->c.tree, op->entry.root, op->entry.path, op->entry.path_len);
		size_t n = 0;
		const digest_tag *own = id == TREE_NONE ? NULL : tree_tags(p->c.tree, id, &n);

		return tree_put(p->c.tree, &op->entry, &op->stat, own, n, number, NULL);
	}
	return tree_put(p->c.tree, &op->entry, &op->stat, tags ? c->tags : NULL,
			tags ? (size_t)c->blocks : 0, number, NULL);
}

static int put_all(struct plan *p, uint64_t number)
{
	int error = 0;

	for (uint32_t i = p->order_n; i-- > 0 && error == 0;)
		if (p->op[p->order[i]].kind == OP_REMOVE)
			error = put(p, &p->op[p->order[i]], number);
	for (uint32_t i = 0; i < p->order_n && error == 0; i++)
		if (p->op[p->order[i]].kind != OP_REMOVE)
			error = put(p, &p->op[p->order[i]], number);
	return error;
}

/* Before the journal goes: who finds neither it nor this would not know what there is to be imported. */
static int record(struct plan *p, const struct lineage *generation, bool recovered)
{
	if (p->c.record == NULL)
		return 0;
	return fail(p, "the generation cannot be written down",
		    p->c.record(p->c.arg, generation, recovered));
}

/* From here on it has happened. */
static int roll_forward(struct plan *p, const struct lineage *generation, bool known)
{
	int error = apply(p);

	if (error == 0 && known)
		error = fail(p, "the index", put_all(p, lineage_head(generation).number));
	if (error == 0)
		error = record(p, generation, !known);
	if (error == 0)
		error = fail(p, "the journal cannot be removed", journal_remove(p));
	if (error != 0)
		return error;
	fault_point("journal-gone");
	plan_reset(p);
	stage_sweep(p, false);
	return 0;
}

static int commit(struct plan *p, const struct lineage *generation)
{
	char kept[CONFLICTS_NAME_MAX] = "";
	int error;

	if (!plan_complete(p))
		return fail(p, "not everything has been fetched", -EAGAIN);
	if (journal_exists(p))
		return fail(p, "an earlier commit is not finished", -EBUSY);
	error = verify_roots(p);
	if (error == 0)
		error = prepare(p);
	if (error != 0)
		return error;
	if (p->order_n == 0)
		return record(p, generation, false);
	error = fail(p, "what an earlier plan left cannot be removed", stage_tidy(p));
	if (error != 0)
		return error;
	error = conflict_keep(p, kept);
	fault_point("kept");
	if (error == 0)
		error = fail(p, "what is staged cannot be brought to disk", stage_sync(p));
	fault_point("staged");
	if (error == 0) {
		error = fail(p, "the journal cannot be written", journal_write(p, generation));
		fault_point("journal");
		if (error != 0 && journal_exists(p))
			return error; /* it may be there after a crash, or not: recovery decides */
	}
	if (error != 0) {
		conflict_forget(p, kept);
		return error;
	}
	return roll_forward(p, generation, true);
}

int plan_commit(struct plan *p, const struct lineage *generation, char reason[SYNC_REASON_MAX + 1])
{
	int error;

	p->reason[0] = '\0';
	p->totals.conflicts = 0;
	error = commit(p, generation);
	memcpy(reason, p->reason, sizeof(p->reason));
	return error;
}

/* Is each root still the one that was opened? The new one must not be written by a journal of the old one, and the old one is out of
 * reach; but it may come back. So the journal stays, and the next start judges by what is there then. */
static int verify_again(struct plan *p)
{
	if (roots_verify(p->c.roots) == 0)
		return 0;
	return fail(p, "a directory of the settings has been replaced", -ENXIO);
}

int plan_recover(struct plan *p, struct lineage *generation, char reason[SYNC_REASON_MAX + 1])
{
	int error;

	p->reason[0] = '\0';
	stage_close(p);
	error = journal_read(p, generation);
	if (error == -ENOENT) {
		reason[0] = '\0';
		plan_reset(p);
		stage_sweep(p, true);
		return 0;
	}
	if (error == -ESTALE)
		fail(p, "an unfinished commit is of other directories than are here", error);
	else if (error == -ENXIO)
		fail(p, "an unfinished commit waits for a directory that is missing", error);
	else if (error != 0)
		fail(p, "the journal of an unfinished commit cannot be read", error);
	if (error == 0)
		error = verify_again(p);
	if (error == 0)
		error = prepare_sort(p);
	if (error == 0)
		error = roll_forward(p, generation, false);
	memcpy(reason, p->reason, sizeof(p->reason));
	return error == 0 ? 1 : error;
}
