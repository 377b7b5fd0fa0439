/* assets.c - see assets.h. The Makefile's rule for this file names the same files. */
#include "console/assets.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Where the build has put them, compressed. */
#ifndef HA_PAGES
#define HA_PAGES "build/pages"
#endif

/* The file as it is, between two symbols. */
#define INCLUDE(symbol, file)                                                                      \
	__asm__(".section .rodata\n"                                                               \
		".global asset_" #symbol "\n"                                                      \
		"asset_" #symbol ":\n"                                                             \
		".incbin \"" file "\"\n"                                                           \
		".global asset_" #symbol "_end\n"                                                  \
		"asset_" #symbol "_end:\n"                                                         \
		".byte 0\n"                                                                        \
		".previous\n");                                                                    \
	extern const char asset_##symbol[], asset_##symbol##_end[]

#define ASSET(symbol, file)                                                                        \
	INCLUDE(symbol, "console/pages/" file);                                                    \
	INCLUDE(symbol##_gz, HA_PAGES "/" file ".gz")

ASSET(index, "index.html");
ASSET(script, "console.js");
ASSET(api, "api.js");
ASSET(chart, "chart.js");
ASSET(cluster, "cluster.js");
ASSET(dialog, "dialog.js");
ASSET(dom, "dom.js");
ASSET(format, "format.js");
ASSET(login, "login.js");
ASSET(mode, "mode.js");
ASSET(nodes, "nodes.js");
ASSET(parts, "parts.js");
ASSET(standby, "standby.js");
ASSET(strings, "strings.js");
ASSET(timeline, "timeline.js");
ASSET(virtual, "virtual.js");
ASSET(style, "console.css");
ASSET(icon, "icon.svg");

#define SCRIPT "text/javascript; charset=utf-8"

#define ENTRY(path, type, symbol)                                                                  \
	{                                                                                          \
		path, type, {asset_##symbol, asset_##symbol##_end},                                \
		{                                                                                  \
			asset_##symbol##_gz, asset_##symbol##_gz_end                               \
		}                                                                                  \
	}

static const struct asset assets[] = {
	ENTRY("/", "text/html; charset=utf-8", index),
	ENTRY("/console.js", SCRIPT, script),
	ENTRY("/api.js", SCRIPT, api),
	ENTRY("/chart.js", SCRIPT, chart),
	ENTRY("/cluster.js", SCRIPT, cluster),
	ENTRY("/dialog.js", SCRIPT, dialog),
	ENTRY("/dom.js", SCRIPT, dom),
	ENTRY("/format.js", SCRIPT, format),
	ENTRY("/login.js", SCRIPT, login),
	ENTRY("/mode.js", SCRIPT, mode),
	ENTRY("/nodes.js", SCRIPT, nodes),
	ENTRY("/parts.js", SCRIPT, parts),
	ENTRY("/standby.js", SCRIPT, standby),
	ENTRY("/strings.js", SCRIPT, strings),
	ENTRY("/timeline.js", SCRIPT, timeline),
	ENTRY("/virtual.js", SCRIPT, virtual),
	ENTRY("/console.css", "text/css; charset=utf-8", style),
	ENTRY("/icon.svg", "image/svg+xml", icon),
	ENTRY("/favicon.ico", "image/svg+xml", icon),
};

const struct asset *assets_find(const char *path)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(*assets); i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}

void assets_etag(const struct asset_body *body, char out[ASSETS_ETAG_MAX])
{
	uint8_t digest[16];
	char hex[17];

	crypto_generichash(digest, sizeof(digest), (const uint8_t *)body->start,
			   (size_t)(body->end - body->start), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, 8);
	snprintf(out, ASSETS_ETAG_MAX, "\"%s\"", hex);
}
