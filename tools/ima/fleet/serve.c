// SPDX-License-Identifier: GPL-2.0-only
/*
 * Serving one text over HTTP, to one client at a time: what a monitoring system asks
 * for every few seconds.
 */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"

#define TIMEOUT 5000	/* milliseconds for a request, and for its answer */
#define MAX_REQUEST 8192

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Wait until @events or @end; a client may stand still. */
static bool is_ready(int fd, short events, int64_t end)
{
	struct pollfd one = { .fd = fd, .events = events };
	int64_t left = end - now_ms();

	return left > 0 && poll(&one, 1, left) == 1;
}

/* Receive a request up to the empty line. */
static bool receive(int fd, char request[MAX_REQUEST])
{
	int64_t end = now_ms() + TIMEOUT;
	size_t len = 0;
	ssize_t got;

	while (len < MAX_REQUEST - 1 && is_ready(fd, POLLIN, end)) {
		got = recv(fd, request + len, MAX_REQUEST - 1 - len, 0);
		if (got <= 0)
			return false;
		len += got;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void send_all(int fd, const char *text, size_t len)
{
	int64_t end = now_ms() + TIMEOUT;
	ssize_t sent;

	while (len && is_ready(fd, POLLOUT, end)) {
		sent = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0)
			return;
		text += sent;
		len -= sent;
	}
}

static void reply(int fd, const char *status, const char *type,
		  const char *text)
{
	char *message;
	int len = asprintf(&message,
			   "HTTP/1.1 %s\r\nContent-Type: %s\r\n"
			   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			   status, type, strlen(text), text);

	if (len < 0)
		return;
	send_all(fd, message, len);
	free(message);
}

static bool is_for(const char *request, const char *path)
{
	size_t len = strlen(path);

	return !strncmp(request, "GET ", 4) && !strncmp(request + 4, path, len) &&
	       request[4 + len] == ' ';
}

static void answer(int fd, serve_text_fn *text, void *data)
{
	char request[MAX_REQUEST], *body;

	if (!receive(fd, request))
		return;
	if (!is_for(request, "/metrics")) {
		reply(fd, "404 Not Found", "text/plain", "only /metrics is here\n");
		return;
	}
	body = text(data);
	if (body)
		reply(fd, "200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8",
		      body);
	else
		reply(fd, "503 Service Unavailable", "text/plain",
		      "the fleet could not be read\n");
	free(body);
}

/* Split ADDRESS:PORT, where the address may be in brackets. */
static bool split(char *address, char **host, char **port)
{
	char *colon = strrchr(address, ':');

	if (!colon || !colon[1])
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = address;
	if (*address == '[' && colon > address && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = address + 1;
	}
	return **host;
}

static int listen_at(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, 16))
		return fd;
	close(fd);
	return -1;
}

/* Return a socket, or -1 after an error message. */
static int open_socket(const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char *copy = strdup(address), *host, *port;
	int fd = -1, err;

	if (!copy) {
		complain("out of memory");
	} else if (!split(copy, &host, &port)) {
		complain("--listen %s: ADDRESS:PORT expected", address);
	} else if ((err = getaddrinfo(host, port, &hints, &found))) {
		complain("--listen %s: %s", address, gai_strerror(err));
	} else {
		fd = listen_at(found);
		if (fd < 0)
			complain("--listen %s: %s", address, strerror(errno));
		freeaddrinfo(found);
	}
	free(copy);
	return fd;
}

int serve(const char *address, serve_text_fn *text, void *data)
{
	int server = open_socket(address), client;

	if (server < 0)
		return -1;
	while ((client = accept4(server, NULL, NULL, SOCK_CLOEXEC)) >= 0 ||
	       errno == ECONNABORTED || errno == EINTR) {
		if (client < 0)
			continue;
		answer(client, text, data);
		close(client);
	}
	complain("--listen %s: %s", address, strerror(errno));
	close(server);
	return -1;
}
