/* tls.c - see tls.h. */
#include "console/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/file.h"

enum {
	DAY = 86400,
	LIFE_DAYS = 3650,
	RENEW_DAYS = 30,
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "haconsole: %s: %s\n", what, why);
	return -EINVAL;
}

static int load(const char *path, char out[TLS_PEM_MAX])
{
	size_t len = 0;
	int error = file_read(AT_FDCWD, path, (uint8_t *)out, TLS_PEM_MAX - 1, &len);

	out[error == 0 ? len : 0] = '\0';
	return error;
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* ---- making one ---- */

static int add_name(gnutls_x509_crt_t crt, const char *name)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, name, b) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, b, 4,
							    GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, b) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, b, 16,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
						    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int describe(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct conf *conf,
		    const char *host_name)
{
	const char *name = *host_name != '\0' ? host_name : "haconsole";
	time_t now = time(NULL);
	uint8_t serial[16];
	int error = 0;

	randombytes_buf(serial, sizeof(serial));
	serial[0] &= 0x7f; /* positive */
	error |= gnutls_x509_crt_set_version(crt, 3);
	error |= gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	error |= gnutls_x509_crt_set_activation_time(crt, now - DAY);
	error |= gnutls_x509_crt_set_expiration_time(crt, now + (time_t)LIFE_DAYS * DAY);
	error |= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
					       (unsigned)strnlen(name, 64));
	error |= gnutls_x509_crt_set_key(crt, key);
	error |= gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	error |= gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	error |= gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	error |= add_name(crt, name);
	error |= add_name(crt, "localhost");
	error |= add_name(crt, "127.0.0.1");
	error |= add_name(crt, "::1");
	for (unsigned i = 0; i < conf->name_n; i++)
		error |= add_name(crt, conf->name[i]);
	return error;
}

static int export(struct tls *tls, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	size_t certificate_len = sizeof(tls->certificate) - 1, key_len = sizeof(tls->key) - 1;
	int error = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);

	if (error == 0)
		error = gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, tls->certificate,
					       &certificate_len);
	if (error == 0)
		error = gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
							 GNUTLS_PKCS_PLAIN, tls->key, &key_len);
	if (error != 0)
		return error;
	tls->certificate[certificate_len] = '\0';
	tls->key[key_len] = '\0';
	return 0;
}

/* In the two texts of *tls. */
static int make(struct tls *tls, const struct conf *conf, const char *host_name)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int error = gnutls_x509_privkey_init(&key);

	if (error == 0)
		error = gnutls_x509_crt_init(&crt);
	if (error == 0)
		error = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_EC, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (error == 0)
		error = describe(crt, key, conf, host_name);
	if (error == 0)
		error = export(tls, crt, key);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	return error != 0 ? complain("cannot make a certificate", gnutls_strerror(error)) : 0;
}

/* Both are on the disk before either takes the place of what was there. If it ends between the two, they do not belong
 * together, and are made anew at the next start. */
static int store(const struct tls *tls, const char *state_directory)
{
	int fd = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0)
		return complain(state_directory, strerror(errno));
	error = file_replace(fd, "key.pem.new", "key.pem.tmp", (const uint8_t *)tls->key,
			     strlen(tls->key));
	if (error == 0)
		error = file_replace(fd, "certificate.pem.new", "certificate.pem.tmp",
				     (const uint8_t *)tls->certificate, strlen(tls->certificate));
	if (error == 0 &&
	    (renameat(fd, "key.pem.new", fd, "key.pem") != 0 ||
	     renameat(fd, "certificate.pem.new", fd, "certificate.pem") != 0 || fsync(fd) != 0))
		error = -errno;
	if (error != 0)
		(void)unlinkat(fd, "key.pem.new", 0);
	close(fd);
	return error != 0 ? complain("cannot keep the certificate", strerror(-error)) : 0;
}

/* ---- looking at one ---- */

static void fingerprint(struct tls *tls, gnutls_x509_crt_t crt)
{
	uint8_t digest[32];
	size_t len = sizeof(digest);

	tls->fingerprint[0] = '\0';
	if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &len) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		snprintf(tls->fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < len ? ":" : "");
}

/* What is wrong with the key, or NULL. */
static const char *judge_key(gnutls_x509_crt_t crt, const char *pem)
{
	uint8_t a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_datum_t text = datum(pem);
	gnutls_x509_privkey_t key = NULL;
	const char *wrong = NULL;

	if (gnutls_x509_privkey_init(&key) != 0)
		return "out of memory";
	if (gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) !=
	    0)
		wrong = "the key is no private key in PEM without a passphrase";
	else if (gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, a, &a_len) != 0 ||
		 gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, b, &b_len) != 0 ||
		 a_len != b_len || memcmp(a, b, a_len) != 0)
		wrong = "the key is not the key of this certificate";
	gnutls_x509_privkey_deinit(key);
	return wrong;
}

/* The first certificate of the text, which is kept in *keep unless that is NULL; what is wrong with the two, or NULL. */
static const char *judge(struct tls *tls, gnutls_x509_crt_t *keep)
{
	gnutls_datum_t text = datum(tls->certificate);
	const char *wrong = NULL;
	gnutls_x509_crt_t crt = NULL;

	if (gnutls_x509_crt_init(&crt) != 0)
		return "out of memory";
	if (gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM) != 0)
		wrong = "this is no certificate in PEM";
	else
		wrong = judge_key(crt, tls->key);
	tls->ends = wrong == NULL ? gnutls_x509_crt_get_expiration_time(crt) : 0;
	if (wrong == NULL)
		fingerprint(tls, crt);
	if (wrong == NULL && keep != NULL)
		*keep = crt;
	else
		gnutls_x509_crt_deinit(crt);
	return wrong;
}

static int load_given(struct tls *tls, const struct conf *conf)
{
	const char *wrong;
	int error = load(conf->certificate, tls->certificate);

	if (error != 0)
		return complain(conf->certificate, strerror(-error));
	error = load(conf->key, tls->key);
	if (error != 0)
		return complain(conf->key, strerror(-error));
	wrong = judge(tls, &tls->given);
	return wrong != NULL ? complain(conf->certificate, wrong) : 0;
}

/* When it ends; 0: there is none. */
static time_t load_own(struct tls *tls, const struct conf *conf)
{
	char path[CONF_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/certificate.pem", conf->state_directory);
	if (load(path, tls->certificate) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s/key.pem", conf->state_directory);
	return load(path, tls->key) == 0 && judge(tls, NULL) == NULL ? tls->ends : 0;
}

/* One that is about to end serves on where none can be put in its place: of a full disk, too, one hears by the console. */
int tls_load(struct tls *tls, const struct conf *conf, const char *host_name)
{
	time_t now = time(NULL), ends;
	int error;

	if (*conf->certificate != '\0')
		return load_given(tls, conf);
	ends = load_own(tls, conf);
	if (ends > now + (time_t)RENEW_DAYS * DAY)
		return 0;
	error = make(tls, conf, host_name);
	if (error == 0)
		error = store(tls, conf->state_directory);
	if (error != 0 && ends > now)
		return load_own(tls, conf) > 0 ? 0 : error;
	return error == 0 && judge(tls, NULL) != NULL ? -EINVAL : error;
}

int tls_check(const struct conf *conf)
{
	static struct tls tls;
	int error = *conf->certificate != '\0' ? load_given(&tls, conf) : 0;

	if (tls.given != NULL)
		gnutls_x509_crt_deinit(tls.given);
	sodium_memzero(tls.key, sizeof(tls.key));
	return error;
}

bool tls_is_named(const struct tls *tls, const char *name)
{
	return tls->given != NULL &&
	       gnutls_x509_crt_check_hostname2(tls->given, name,
					       GNUTLS_VERIFY_DO_NOT_ALLOW_IP_MATCHES) != 0;
}
