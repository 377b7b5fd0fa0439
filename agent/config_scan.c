#include "agent/config_parse.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum token {
	END,
	WORD, /* quoted or not */
	ASSIGN,
	APPEND,
	OPEN,
	CLOSE,
	COMMA,
	OTHER,  /* a parenthesis: libconfuse's function calls, which are none of ours */
	BROKEN, /* reported; what follows cannot be read */
};

struct scan {
	struct config_draft *draft;
	char *text;
	size_t len, at;
	int line;
	/* the token read last */
	enum token token;
	size_t start;
	int start_line;
	const char *word; /* without quotes */
	size_t word_len;
	/* what was set, and where */
	int seen[CONFIG_KEYS_MAX];
	struct {
		const struct config_section *section;
		const char *title;
		size_t title_len;
		int line;
	} opened[CONFIG_OPENED_MAX];
	unsigned opened_n;
};

static bool starts_with(const struct scan *s, const char *what)
{
	size_t len = strlen(what);

	return s->len - s->at >= len && memcmp(s->text + s->at, what, len) == 0;
}

/* Lines stay where they are. */
static void blank(struct scan *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (s->text[i] != '\n')
			s->text[i] = ' ';
	}
}

static void advance(struct scan *s)
{
	if (s->text[s->at++] == '\n')
		s->line++;
}

static void skip_comment(struct scan *s)
{
	size_t from = s->at;
	int line = s->line;
	bool block = starts_with(s, "/*");

	s->at += block ? 2 : 1;
	while (s->at < s->len && (block ? !starts_with(s, "*/") : s->text[s->at] != '\n'))
		advance(s);
	if (block && s->at == s->len)
		config_mistake(s->draft, line, "comment is not closed");
	else if (block)
		s->at += 2;
	blank(s, from, s->at);
}

/* libconfuse would drop an asterisk or a plus that stands alone without a word. */
static void skip_blanks(struct scan *s)
{
	while (s->at < s->len) {
		char c = s->text[s->at];

		if (c == '#' || starts_with(s, "//") || starts_with(s, "/*")) {
			skip_comment(s);
		} else if (c == '*' || (c == '+' && !starts_with(s, "+="))) {
			config_mistake(s->draft, s->line, "'%c' has to be in quotes", c);
			s->at++;
		} else if (strchr(" \t\r\n", c) != NULL) {
			advance(s);
		} else {
			break;
		}
	}
}

static void variable(struct scan *s)
{
	config_mistake(s->draft, s->line,
		       "environment variables are not expanded: write \"\\${\" for the characters");
}

static enum token quoted(struct scan *s)
{
	char quote = s->text[s->at++];

	s->word = s->text + s->at;
	for (; s->at < s->len && s->text[s->at] != '\n'; s->at++) {
		if (s->text[s->at] == quote) {
			s->word_len = (size_t)(s->text + s->at++ - s->word);
			return WORD;
		}
		if (quote == '"' && starts_with(s, "${"))
			variable(s);
		if (s->text[s->at] == '\\' && s->at + 1 < s->len && s->text[s->at + 1] != '\n')
			s->at++;
	}
	config_mistake(s->draft, s->line, "string is not closed");
	return BROKEN;
}

static enum token unquoted(struct scan *s)
{
	s->word = s->text + s->at;
	if (starts_with(s, "${")) {
		variable(s);
		while (s->at < s->len && s->text[s->at] != '}' && s->text[s->at] != '\n')
			s->at++;
		if (s->at == s->len || s->text[s->at++] == '\n')
			return BROKEN;
	} else {
		while (s->at < s->len && strchr(" #\"'\t\n\r={}()+,*", s->text[s->at]) == NULL)
			s->at++;
	}
	s->word_len = (size_t)(s->text + s->at - s->word);
	return WORD;
}

static enum token next(struct scan *s)
{
	static const char single[] = "={},";
	static const enum token single_token[] = {ASSIGN, OPEN, CLOSE, COMMA};
	const char *found;
	char c;

	skip_blanks(s);
	s->start = s->at;
	s->start_line = s->line;
	if (s->at == s->len)
		return s->token = END;
	c = s->text[s->at];
	found = strchr(single, c);
	if (found != NULL) {
		s->at++;
		return s->token = single_token[found - single];
	}
	if (c == '+') {
		s->at += 2;
		return s->token = APPEND;
	}
	if (c == '(' || c == ')') {
		s->at++;
		return s->token = OTHER;
	}
	return s->token = c == '"' || c == '\'' ? quoted(s) : unquoted(s);
}

/* A word, or words in braces. */
static bool skip_value(struct scan *s)
{
	if (next(s) == WORD)
		return true;
	if (s->token != OPEN)
		return false;
	while (next(s) == WORD) {
		if (next(s) != COMMA)
			break;
	}
	return s->token == CLOSE;
}

/* After the opening brace, to the closing one. */
static bool skip_section(struct scan *s)
{
	for (unsigned depth = 1; depth > 0;) {
		next(s);
		if (s->token == OPEN)
			depth++;
		else if (s->token == CLOSE)
			depth--;
		else if (s->token == END || s->token == BROKEN)
			return false;
	}
	return true;
}

static void note_key(struct scan *s, const struct config_key *key, int line)
{
	int *seen = &s->seen[key - config_keys];

	if (*seen != 0)
		config_mistake(s->draft, line, "'%s' is set twice, first in line %d", key->name,
			       *seen);
	else
		*seen = line;
}

/* It stands in logs, tables and environments, and has to look the same everywhere. */
static void check_title(struct scan *s, const struct config_section *section, const char *title,
			size_t title_len, int line)
{
	bool good = title_len < CONFIG_NAME_MAX;

	for (size_t i = 0; i < title_len; i++)
		good = good && title[i] > ' ' && title[i] <= '~' &&
		       strchr("\"'\\", title[i]) == NULL;
	if (title_len == 0)
		config_mistake(s->draft, line, "section '%s' needs a name", section->name);
	else if (!good)
		config_mistake(s->draft, line,
			       "section '%s': '%.*s' is no name: 1 to %d printable characters, no "
			       "blank, quote or backslash",
			       section->name, (int)title_len, title, CONFIG_NAME_MAX - 1);
}

static void note_section(struct scan *s, const struct config_section *section, const char *title,
			 size_t title_len, int line)
{
	unsigned n = 0;

	for (size_t i = 0; i < config_keys_n; i++) {
		if (strcmp(config_keys[i].section, section->name) == 0)
			s->seen[i] = 0;
	}
	for (unsigned i = 0; i < s->opened_n; i++) {
		n += s->opened[i].section == section;
		if (s->opened[i].section != section || s->opened[i].title_len != title_len ||
		    (!section->titled && section->max > 1) ||
		    memcmp(s->opened[i].title, title, title_len) != 0)
			continue;
		config_mistake(s->draft, line,
			       "section '%s%s%.*s' is there twice, first in line %d", section->name,
			       title_len > 0 ? " " : "", (int)title_len, title, s->opened[i].line);
		return;
	}
	if (n == section->max) {
		config_mistake(s->draft, line, "more than %u sections '%s'", section->max,
			       section->name);
		return;
	}
	assert(s->opened_n < CONFIG_OPENED_MAX);
	s->opened[s->opened_n].section = section;
	s->opened[s->opened_n].title = title;
	s->opened[s->opened_n].title_len = title_len;
	s->opened[s->opened_n++].line = line;
}

static void require_keys(struct scan *s, const struct config_section *section, int line)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		if (config_keys[i].required && strcmp(config_keys[i].section, section->name) == 0 &&
		    s->seen[i] == 0)
			config_mistake(s->draft, line, "section '%s' needs '%s'", section->name,
				       config_keys[i].name);
	}
}

/* An option or section that does not exist: reported, followed to its end, and blanked. */
static bool unknown(struct scan *s, const char *section, const char *name, size_t name_len,
		    size_t start, int line)
{
	bool assigned = s->token == ASSIGN || s->token == APPEND;
	bool good;

	if (!assigned && s->token == WORD)
		next(s);
	if (!assigned && s->token != OPEN)
		return false;
	config_mistake(s->draft, line, "unknown %s '%.*s'%s%s", assigned ? "option" : "section",
		       (int)name_len, name, *section != '\0' ? " in section " : "", section);
	good = assigned ? skip_value(s) : skip_section(s);
	if (!good && !assigned && s->token == END)
		config_mistake(s->draft, line, "section '%.*s' is not closed", (int)name_len, name);
	blank(s, start, good || s->token != END ? s->at : s->len);
	return good;
}

static bool statements(struct scan *s, const struct config_section *in, int in_line);

/* After the name of a section that exists. */
static bool section_body(struct scan *s, const struct config_section *section, int line)
{
	const char *title = "";
	size_t title_len = 0;

	if (section->titled && s->token == WORD) {
		title = s->word;
		title_len = s->word_len;
		check_title(s, section, title, title_len, line);
		next(s);
	} else if (section->titled) {
		return false;
	}
	if (s->token != OPEN)
		return false;
	note_section(s, section, title, title_len, line);
	return statements(s, section, line);
}

/* What the quoted word stands for. False: it is too long, or a backslash is before something else than what is special
 * in quotes: other strings take that for a control character or a number. */
static bool plain_text(const struct scan *s, char out[CONFIG_PASSPHRASE_MAX + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < s->word_len; i++) {
		char c = s->word[i];

		if (c == '\\' && i + 1 < s->word_len) {
			c = s->word[++i];
			if (strchr("\"'\\$", c) == NULL)
				return false;
		}
		if (len == CONFIG_PASSPHRASE_MAX)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	return true;
}

/* After the equal sign of the passphrase: its text is kept, and blanked with all that might be a part of it. */
static bool passphrase(struct scan *s, const struct config_key *key, size_t start)
{
	char text[CONFIG_PASSPHRASE_MAX + 1];
	int line;

	if (next(s) != WORD)
		return false;
	line = s->start_line;
	if (s->word == s->text + s->start) {
		config_mistake(s->draft, line, "'%s' has to be in quotes", key->name);
		s->draft->wrong[key - config_keys] = true;
	} else {
		config_value(s->draft, key, plain_text(s, text) ? text : "", line);
	}
	s->draft->line[key - config_keys] = line;
	sodium_memzero(text, sizeof(text));
	while (s->at < s->len && strchr(" \t\r", s->text[s->at]) != NULL)
		s->at++;
	if (s->at < s->len && s->text[s->at] != '\n' && s->text[s->at] != '#' &&
	    !starts_with(s, "//") && !starts_with(s, "/*")) {
		if (s->word != s->text + s->start)
			config_mistake(s->draft, line, "'%s' has to end its line", key->name);
		while (s->at < s->len && s->text[s->at] != '\n')
			s->at++;
	}
	blank(s, start, s->at);
	return true;
}

/* One option or section, whose name is the token. False if it cannot be followed. */
static bool statement(struct scan *s, const char *in_name)
{
	const char *name = s->word;
	size_t name_len = s->word_len, start = s->start;
	int line = s->start_line;
	const struct config_key *key = config_key_find(in_name, name, name_len);
	const struct config_section *section =
		*in_name == '\0' ? config_section_find(name, name_len) : NULL;

	next(s);
	if (section != NULL)
		return section_body(s, section, line);
	if (key == NULL)
		return unknown(s, in_name, name, name_len, start, line);
	if (s->token == ASSIGN)
		note_key(s, key, line);
	if (s->token == ASSIGN && key->kind == KIND_PASSPHRASE)
		return passphrase(s, key, start);
	return (s->token == ASSIGN || (s->token == APPEND && key->list)) && skip_value(s);
}

/* Nothing from here on can be read, and that was reported: libconfuse gets what comes before. */
static void cut(struct scan *s, size_t from)
{
	blank(s, from, s->len);
	s->at = s->len;
	s->token = END;
}

/* To the end of the file (in NULL), or of a section. */
static bool statements(struct scan *s, const struct config_section *in, int in_line)
{
	while (next(s) == WORD) {
		size_t start = s->start;
		bool good = statement(s, in != NULL ? in->name : s->draft->section);

		if (s->token == BROKEN)
			cut(s, start);
		if (!good)
			return false;
	}
	if (s->token == BROKEN) {
		cut(s, s->start);
		return false;
	}
	if (in == NULL)
		return s->token == END;
	if (s->token == END)
		config_mistake(s->draft, in_line, "section '%s' is not closed", in->name);
	else if (s->token == CLOSE)
		require_keys(s, in, in_line);
	return s->token == CLOSE;
}

int config_scan(struct config_draft *draft, char *text, size_t len)
{
	struct scan s = {.draft = draft, .text = text, .len = len, .line = 1};

	return statements(&s, NULL, 0) ? 0 : s.start_line;
}
