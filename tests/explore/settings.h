/* settings.h - two real settings machines as a model to search: struct sync as it is, sync_step() as it is, each with a
 * tree of two values, a disk, and a stream in each direction that can be cut. At any moment what was said may be heard,
 * a scan may end, values may change, the role may turn or be usurped while the other one is not heard, either may crash, also
 * in the middle of a commit or of a generation. Time passes when nothing else is left to do, or sooner at a price.
 */
#ifndef HA_TESTS_EXPLORE_SETTINGS_H
#define HA_TESTS_EXPLORE_SETTINGS_H

#include "tests/explore/search.h"

enum settings_price {
	SETTINGS_ALL = 0, /* of everything together */
	SETTINGS_CHANGE,
	SETTINGS_CUT,
	SETTINGS_CRASH,
	SETTINGS_TURN,
	SETTINGS_BARRIER,
	SETTINGS_FAIL, /* a commit */
	SETTINGS_SLOW, /* a timer comes before what was said is heard */
	SETTINGS_N,
};

struct settings_scenario {
	const char *name;
	uint8_t allowance[SETTINGS_N];
	bool joining; /* the follower has just joined: no whole copy yet */
};

const struct search_model *settings_model(const struct settings_scenario *);

#endif
