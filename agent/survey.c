/* survey.c - see survey.h. */
#include "agent/survey.h"

#include <string.h>

void survey_init(struct survey *survey, bool is_active, const struct ha_mac *own_management_mac)
{
	*survey = (struct survey){
		.is_active = is_active,
		.own_mac = *own_management_mac,
		.ended = HA_NEVER,
		.facts.listening = true,
		.next = survey->next,
	};
}

/* ---- the link ---- */

/* The first address that an authentic frame had is the peer's. Its frames under another one have been sent on by
 * somebody: that is another station as well. */
void survey_authentic(struct survey *survey, const struct ha_mac *from, enum survey_to to)
{
	survey->facts.heard = true;
	survey->facts.unverified = false;
	if (to == SURVEY_TO_NEAREST)
		survey->facts.direct = true;
	if (ha_mac_is_zero(&survey->peer_link_mac)) {
		survey->peer_link_mac = *from;
		if (!ha_mac_is_zero(&survey->station))
			survey_station(survey, &survey->station);
	}
	survey_station(survey, from);
}

/* Of two different ones at least one is not the peer's, so one is enough to remember until that is known. */
void survey_station(struct survey *survey, const struct ha_mac *from)
{
	const struct ha_mac *peer = &survey->peer_link_mac;

	if (ha_mac_is_zero(peer) && ha_mac_is_zero(&survey->station))
		survey->station = *from;
	if (!ha_mac_equal(from, ha_mac_is_zero(peer) ? &survey->station : peer))
		survey->facts.stations = true;
}

void survey_version(struct survey *survey)
{
	survey->facts.other_version = true;
}

void survey_beacon(struct survey *survey)
{
	if (!survey->facts.heard)
		survey->facts.unverified = true;
}

void survey_malformed(struct survey *survey)
{
	survey->facts.malformed = true;
}

/* ---- the management segment ---- */

static bool survey_same_network(const struct msg_prefix *a, const struct msg_prefix *b)
{
	return a->length == b->length &&
	       ha_address_same_network(&a->address, &b->address, a->length);
}

/* The peer's first management address of a family in a network that this side stands in, too. */
static const struct ha_address *survey_common(const struct msg_identity *own,
					      const struct msg_identity *peer,
					      enum ha_family family)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		if (peer->management[i].address.family != family)
			continue;
		for (unsigned j = 0; j < HA_ADDRESS_MAX; j++)
			if (survey_same_network(&peer->management[i], &own->management[j]))
				return &peer->management[i].address;
	}
	return NULL;
}

static unsigned survey_questions(const struct survey *survey, const struct msg_identity *own,
				 const struct msg_identity *peer,
				 struct survey_question out[SURVEY_QUESTIONS_MAX])
{
	static const enum ha_family family[] = {HA_IPV4, HA_IPV6};
	const struct ha_address *vip = survey->is_active ? own->vip : peer->vip;
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct ha_address *address = survey_common(own, peer, family[i]);

		if (address != NULL)
			out[n++] = (struct survey_question){.address = *address, .index = i};
	}
	for (unsigned i = 0; i < HA_VIP_MAX; i++)
		if (ha_address_len(&vip[i]) != 0)
			out[n++] = (struct survey_question){vip[i], true, i};
	return n;
}

static bool survey_same_questions(const struct survey *survey, const struct survey_question *other,
				  unsigned n)
{
	if (survey->question_n != n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct survey_question *question = &survey->question[i];

		if (question->vip != other[i].vip || question->index != other[i].index ||
		    !ha_address_equal(&question->address, &other[i].address))
			return false;
	}
	return true;
}

static bool survey_expired(const struct survey *survey, ha_time now)
{
	return survey->known && !survey->running && now - survey->ended > SURVEY_TTL;
}

/* With another identity what was asked on management is void, and what the link showed is not. With age all is, but
 * that the peer is there. */
static void survey_restart(struct survey *survey, ha_time now)
{
	struct requirement_facts *facts = &survey->facts;

	if (survey_expired(survey, now))
		*facts = (struct requirement_facts){.heard = facts->heard};
	facts->listening = true;
	memset(facts->proof, 0, sizeof(facts->proof));
	facts->vip_third = 0;
	facts->vip_over = false;
	for (unsigned i = 0; i < survey->question_n; i++)
		if (!survey->question[i].vip)
			facts->proof[survey->question[i].index].asked = true;
	survey->known = survey->running = true;
	survey->begun = now;
	survey->ended = HA_NEVER;
	survey->asked = 0;
	if (survey->next < now)
		survey->next = now;
}

void survey_begin(struct survey *survey, const struct msg_identity *own,
		  const struct msg_identity *peer, ha_time now)
{
	struct survey_question question[SURVEY_QUESTIONS_MAX];
	unsigned n = survey_questions(survey, own, peer, question);
	bool same = survey->known && survey->peer.revision == peer->revision &&
		    ha_mac_equal(&survey->peer.management_mac, &peer->management_mac) &&
		    survey_same_questions(survey, question, n);

	survey->peer = *peer;
	survey->facts.malformed = false;
	if (same && !survey_expired(survey, now))
		return;
	memcpy(survey->question, question, n * sizeof(*question));
	survey->question_n = n;
	survey_restart(survey, now);
}

/* A proof is an answer. But whoever claims the address of another, asked or not, is a station that should not. */
static void survey_answer(struct survey *survey, const struct survey_question *question,
			  const struct segment_frame *frame)
{
	bool peer = ha_mac_equal(&frame->sender_mac, &survey->peer.management_mac);
	struct requirement_facts *facts = &survey->facts;

	if (question->vip) {
		if (!peer || survey->is_active)
			facts->vip_third |= (uint8_t)(1 << question->index);
	} else if (!peer) {
		facts->proof[question->index].other_mac = true;
	} else if (frame->answer) {
		facts->proof[question->index].answered = true;
	}
}

void survey_segment(struct survey *survey, const struct segment_frame *frame)
{
	if (!survey->running || survey->asked == 0 ||
	    ha_mac_equal(&frame->sender_mac, &survey->own_mac))
		return;
	for (unsigned i = 0; i < survey->question_n; i++)
		if (ha_address_equal(&survey->question[i].address, &frame->sender))
			survey_answer(survey, &survey->question[i], frame);
}

ha_time survey_deadline(const struct survey *survey)
{
	return survey->running ? survey->next : HA_NEVER;
}

static void survey_end(struct survey *survey, ha_time now)
{
	struct requirement_facts *facts = &survey->facts;

	survey->running = facts->listening = false;
	survey->ended = now;
	for (unsigned i = 0; i < 2; i++)
		facts->proof[i].over = facts->proof[i].asked;
	facts->vip_over = true;
}

/* Open is what may still tell something: an address that nobody answered for, and a virtual IP for which no third
 * party did. */
static bool survey_open(const struct survey *survey, const struct survey_question *question)
{
	if (question->vip)
		return !(survey->facts.vip_third >> question->index & 1);
	return !survey->facts.proof[question->index].answered;
}

unsigned survey_timer(struct survey *survey, ha_time now,
		      struct survey_question out[SURVEY_QUESTIONS_MAX])
{
	unsigned n = 0;

	if (now < survey_deadline(survey))
		return 0;
	if (survey->asked == SURVEY_TRIES) {
		survey_end(survey, now);
		return 0;
	}
	survey->asked++;
	survey->next = now + (survey->asked == SURVEY_TRIES ? SURVEY_PATIENCE : SURVEY_EVERY);
	for (unsigned i = 0; i < survey->question_n; i++)
		if (survey_open(survey, &survey->question[i]))
			out[n++] = survey->question[i];
	return n;
}

bool survey_complete(const struct survey *survey, ha_time now)
{
	return survey->known && !survey->running && !survey_expired(survey, now);
}
