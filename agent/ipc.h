/* ipc.h - what the processes say to each other: one SOCK_SEQPACKET packet is one message.
 *
 *   guardian <-> engine    the lease on the virtual IP, liveness, shutdown; a new steward or syncer
 *   guardian <-> steward   the cluster's virtual IPs; a new engine
 *   guardian <-> syncer    liveness; a new engine
 *   guardian <-  reader    the configuration, read anew
 *   engine   <-> steward   durable state, history; hooks, checks, the commands of the settings
 *   engine   <-> syncer    who holds, the key of the stream; how the copy of the settings is
 *
 * Every message is a struct ipc_message of one fixed size; a packet of another size, an unknown
 * type or a type that the receiver does not expect ends the receiver (its parent starts it anew).
 * All ends are non-blocking: a full queue is a dead reader, and the sender says so by -EAGAIN.
 * Times are CLOCK_BOOTTIME, the same for all processes.
 */
#ifndef HA_AGENT_IPC_H
#define HA_AGENT_IPC_H

#include "agent/config_report.h"
#include "agent/hook.h"
#include "agent/store.h"
#include "agent/sync/report.h"
#include "proto/types.h"

/* File descriptors that a child finds after exec. */
enum ipc_fd {
	IPC_FD_GUARDIAN = 3, /* to the guardian */
	IPC_FD_CONFIG = 4,   /* sealed memory file with struct config */
	IPC_FD_PEER = 5,     /* engine: to the steward; steward: to the engine */
	IPC_FD_CONTROL = 6,  /* engine: the listening control socket */
	IPC_FD_SYNCER = 7,   /* engine: to the syncer, if there is one */
	IPC_FD_RECORDER = 8, /* engine: the flight recorder's memory, to be written */
	IPC_FD_RECORDED = 9, /* engine, steward: the same, to be read */
};

enum ipc_process {
	IPC_GUARDIAN,
	IPC_ENGINE_PROCESS,
	IPC_STEWARD_PROCESS,
	IPC_SYNCER_PROCESS,
	IPC_PROCESS_N,
	IPC_READER_PROCESS = IPC_PROCESS_N, /* now and then, and soon gone: reader.h */
};

enum ipc_type {
	/* engine -> guardian */
	/* While nothing is held: every 100 ms, or every heartbeat; steward and syncer: every second. */
	IPC_ALIVE = 1,
	IPC_HOLD,    /* lease: put the addresses on and keep them until deadline; again = renewal */
	IPC_RELEASE, /* lease: take them off now */
	IPC_LEFT,    /* shutdown: the engine has handed over or released; end it */
	/* guardian -> engine */
	IPC_LEASE,  /* what became of the lease */
	IPC_STATUS, /* the guardian's condition; once after start and on change */
	IPC_LEAVE, /* SIGTERM: hand over or release, then IPC_LEFT; in_place: or hold on, and say so */
	/* With a descriptor: a new steward is on the other end of it. IPC_HELLO there only if no
	 * IPC_RECORD has come yet, for it counts; what was not answered is to be saved again, and
	 * IPC_ROLE said again: it knows of none. */
	IPC_STEWARD,
	IPC_SYNCER, /* with a descriptor: a new syncer is on the other end of it */
	/* All with a descriptor, a sealed memory file. Also of the reader to the guardian, and of the guardian to
	 * the steward: */
	IPC_CONFIG,        /* the configuration from now on */
	IPC_CONFIG_REPORT, /* struct config_report: when an attempt has ended, and once after the start */
	/* reader -> guardian */
	IPC_CONFIG_LINE, /* a mistake; the end */
	/* steward -> guardian */
	IPC_VIPS, /* the virtual IPs that count: of the record, or of the configuration */
	/* guardian -> steward, guardian -> syncer, with a descriptor */
	IPC_ENGINE, /* a new engine is on the other end of this descriptor */
	/* guardian -> steward */
	IPC_CAPTURE, /* SIGUSR1: what the flight recorder has becomes a file */
	/* steward -> engine */
	IPC_RECORD,  /* once after IPC_HELLO: record, key, errors */
	IPC_HISTORY, /* after it: stored events, oldest first, then one with event.event = 0 */
	IPC_SAVED,   /* the record of that number is on disk, or error says why not */
	/* What has become of a check: of each one after the history, or where that came from another
	 * steward after the first IPC_SAVE, IPC_ROLE or IPC_RUN; and on change. */
	IPC_CHECK,
	IPC_HOOK, /* a hook has ended, or was given up */
	/* engine -> steward */
	IPC_HELLO, /* the engine is up: count and write its boot number, then IPC_RECORD */
	IPC_SAVE,  /* make this record durable, answer with IPC_SAVED of the same number */
	IPC_EVENT, /* append to history */
	IPC_ROLE, /* the role or the registration is another now: hooks. Behind the IPC_SAVE that it rests on */
	/* engine -> syncer */
	IPC_SELF, /* once at first, and on change: self */
	IPC_KEY,  /* the exporter of the link's session, on change: key */
	IPC_SYNC, /* an operator's request: sync; answered by IPC_SYNC_DONE */
	/* syncer -> engine */
	IPC_SYNC_REPORT, /* at most ten times a second, on change: report */
	IPC_SYNC_DONE,
	/* syncer -> engine -> steward: run the export or import of a section; and the way back. Asked
	 * again while it waits it is one, and has one answer. A new engine is answered nothing that the
	 * one before it asked for, and what waited of that is not run: who still wants it asks again. */
	IPC_RUN,
	IPC_RAN,
	IPC_TYPE_N,
};

enum {
	IPC_RUN_APPLIED = 255, /* IPC_RUN: the hook settings-applied, as an import */
};

enum ipc_lease_status {
	LEASE_HELD = 1, /* on: bit i = address i is on (IPv6: its RTM_NEWADDR has come) */
	LEASE_DROPPED,  /* off the interface, confirmed; cause says why */
	LEASE_FAILED,   /* the kernel refused: error */
};

enum ipc_lease_cause {
	LEASE_ASKED = 1, /* by IPC_RELEASE */
	LEASE_EXPIRED,   /* the engine did not renew in time */
	LEASE_STALE,     /* IPC_HOLD for a lease that has ended, or whose deadline has passed */
	LEASE_GONE,      /* the interface is gone */
};

/* What the syncer has to know of this node. */
struct copy_self {
	bool paired, paused, peer_heard;
	bool holds;    /* the virtual IP, and that it does is on disk */
	bool whole;    /* it has a whole copy */
	uint64_t term; /* the newest that it held under */
};

struct ipc_message {
	uint32_t type; /* enum ipc_type */
	int32_t error; /* IPC_LEASE, IPC_SAVED, IPC_RECORD: -errno or 0 */
	union {
		struct {
			uint64_t lease;     /* rises; one that has ended never lives again */
			ha_time deadline;   /* IPC_HOLD: CLOCK_BOOTTIME; the promise ends there */
			uint64_t addresses; /* IPC_HOLD: addresses_sum() of those that are meant */
			uint32_t on;        /* IPC_LEASE */
			uint8_t status;     /* IPC_LEASE: enum ipc_lease_status */
			uint8_t cause;      /* IPC_LEASE: enum ipc_lease_cause */
		} lease;
		struct {
			bool fence;    /* the kernel fence is in place */
			bool realtime; /* SCHED_FIFO granted */
			bool locked;   /* memory locked */
			uint32_t engine_starts, steward_starts;
			uint32_t restored; /* addresses that somebody else deleted, put back */
			uint32_t upgrades; /* since the service was started (SPEC 5.U1) */
			bool held; /* the addresses are on: go on holding them, as lease 1 */
			int32_t pid[IPC_PROCESS_N]; /* 0: not running */
		} status;
		struct {
			uint32_t n;
			bool recorded; /* by the record; else the guardian has them, too */
			struct ha_address vip[HA_VIP_MAX];
		} vips;
		struct {
			bool in_place; /* IPC_LEAVE: a new program is about to go on (SPEC 5.U1) */
			bool holds;    /* IPC_LEFT: it still does, and nobody else can take */
		} leave;
		struct config_news news; /* IPC_CONFIG_LINE */
		struct {
			uint64_t number; /* IPC_SAVE, IPC_SAVED */
			struct store_record record;
			struct store_key key;
		} record;
		struct store_event event;
		struct hook_occasion role; /* IPC_ROLE */
		struct copy_self self;     /* IPC_SELF */
		struct {
			bool valid; /* else there is no session */
			bool lower; /* the own static key is the lower one */
			uint8_t exporter[HA_KEY_LEN];
		} key;
		struct {
			uint32_t number; /* of the control client's request */
			bool compare;    /* --sync, else --barrier */
			bool ok;         /* IPC_SYNC_DONE, with the reason if not */
			ha_time until;
			char reason[SYNC_REASON_MAX + 1];
		} sync;
		struct sync_report report;
		struct {
			uint8_t section; /* of the configuration, or IPC_RUN_APPLIED */
			bool import;     /* else its export */
			uint32_t number; /* of the request: its answer has the same */
			uint8_t outcome; /* IPC_RAN: enum command_outcome */
			int32_t status;
			uint32_t took_ms;
			char output[96]; /* as of a hook */
		} run;
		struct {
			uint32_t config;    /* number of the configuration */
			uint8_t index;      /* in it */
			uint8_t state;      /* enum check_state */
			uint8_t last;       /* enum command_outcome of the newest run */
			uint32_t attempts;  /* at recovery, since it failed */
			uint32_t runs, bad; /* so far */
			int32_t status;     /* exit status or signal of the newest run */
			uint32_t took_ms;   /* the newest run */
		} check;
		struct {
			uint64_t transition;
			uint8_t hook;    /* enum hook */
			uint8_t outcome; /* enum command_outcome */
			int32_t status;
			uint32_t took_ms;
			char output[96]; /* the end of what it wrote, made printable */
		} hook;
	} u;
};

/* 0, -EAGAIN if the queue is full, other -errno if the reader is gone. */
int ipc_send(int fd, const struct ipc_message *);
int ipc_send_fd(int fd, const struct ipc_message *, int passed);

/* 1 and a message; 0 if none is waiting; -EPIPE if the writer is gone; -EPROTO if what came is
 * no message. *passed is the descriptor that came along, or -1; passed may be NULL when none is
 * expected. */
int ipc_receive(int fd, struct ipc_message *out, int *passed);

/* Is it one, by its byte? What another process has filled may be neither true nor false. */
bool ipc_bool_valid(const bool *);

#endif
