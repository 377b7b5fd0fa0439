/* msg_names.h - the names of what is in a message, for people: decoded captures and the dissector have the same.
 *
 * Never NULL; "?" for a value that has no name. Modes, states and claims are in types.h, reasons in reason.h, events and
 * why a node is not eligible in node.h, requirements in requirement.h.
 */
#ifndef HA_PROTO_MSG_NAMES_H
#define HA_PROTO_MSG_NAMES_H

const char *msg_type_name(unsigned type); /* "HEARTBEAT", ...: as in SPEC 2.2 */
const char *msg_pattern_name(unsigned pattern);
const char *msg_phase_name(unsigned phase);
const char *msg_join_op_name(unsigned op);
const char *msg_join_refusal_name(unsigned refusal);
const char *msg_cause_name(unsigned cause); /* enum requirement_cause */
const char *msg_detach_op_name(unsigned op);
const char *msg_detach_refusal_name(unsigned refusal);
const char *msg_addresses_op_name(unsigned op);
const char *msg_addresses_refusal_name(unsigned refusal);
const char *msg_parting_name(unsigned why);

/* Of the lowest bit that is set: "eligible", ...; "copy", ... */
const char *msg_flag_name(unsigned bit);
const char *msg_why_not_name(unsigned bit);

#endif
