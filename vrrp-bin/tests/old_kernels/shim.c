/*
 * Preloaded into the program, this takes away what Linux did not know yet: what an older kernel would see, ours sees.
 *
 *   attribute 11 of an address, IFA_PROTO       (Linux 5.18): an older kernel takes it for unknown and forgets it
 *   SO_BINDTOIFINDEX                            (Linux 5.1):  refused
 *   NETLINK_GET_STRICT_CHK                      (Linux 4.20): refused
 *   attribute 9 of an address, IFA_RT_PRIORITY  (Linux 4.18): forgotten too, if WITHOUT_METRIC is defined
 *
 * Each thing that was taken away leaves an empty file of its name in the folder VRRP_TEST_SHIM, so that a test sees
 * that it was. Messages of netlink leave the program by send(2) only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Written out, since older headers lack some of them. */
enum {
    ATTRIBUTE_METRIC = 9,
    ATTRIBUTE_PROTOCOL = 11,
    /* Beyond all that any kernel knows. */
    ATTRIBUTE_UNKNOWN = 100,
    OPTION_BINDTOIFINDEX = 62,
    OPTION_GET_STRICT_CHK = 12,
    LEVEL_NETLINK = 270
};

#ifdef WITHOUT_METRIC
static const int without_metric = 1;
#else
static const int without_metric = 0;
#endif

static void note(const char *what)
{
    const char *folder = getenv("VRRP_TEST_SHIM");
    char path[4096];
    int before = errno;
    if (folder && snprintf(path, sizeof path, "%s/%s", folder, what) < (int)sizeof path) {
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file >= 0)
            close(file);
    }
    errno = before;
}

__attribute__((constructor)) static void loaded(void)
{
    note("loaded");
}

static void hide_attribute(struct nlattr *attribute)
{
    switch (attribute->nla_type & NLA_TYPE_MASK) {
    case ATTRIBUTE_PROTOCOL:
        note("protocol");
        break;
    case ATTRIBUTE_METRIC:
        if (!without_metric)
            return;
        note("metric");
        break;
    default:
        return;
    }
    attribute->nla_type = ATTRIBUTE_UNKNOWN;
}

/* The attributes of an RTM_NEWADDR that begins at `message` and has `length` octets. */
static void hide_in_message(char *message, size_t length)
{
    size_t at = NLMSG_SPACE(sizeof(struct ifaddrmsg));
    while (at + NLA_HDRLEN <= length) {
        struct nlattr *attribute = (struct nlattr *)(message + at);
        if (attribute->nla_len < NLA_HDRLEN)
            return;
        hide_attribute(attribute);
        at += NLA_ALIGN(attribute->nla_len);
    }
}

/* A datagram may hold many messages. */
static void hide(char *datagram, size_t length)
{
    size_t at = 0;
    while (at + NLMSG_HDRLEN <= length) {
        struct nlmsghdr *header = (struct nlmsghdr *)(datagram + at);
        if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > length - at)
            return;
        if (header->nlmsg_type == RTM_NEWADDR)
            hide_in_message(datagram + at, header->nlmsg_len);
        at += NLMSG_ALIGN(header->nlmsg_len);
    }
}

static int is_netlink(int descriptor)
{
    int domain = 0;
    socklen_t length = sizeof domain;
    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_NETLINK;
}

ssize_t send(int descriptor, const void *data, size_t length, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
    int before = errno;
    char *copy = is_netlink(descriptor) ? malloc(length) : NULL;
    ssize_t sent;
    errno = before;
    if (!copy)
        return real(descriptor, data, length, flags);
    memcpy(copy, data, length);
    hide(copy, length);
    sent = real(descriptor, copy, length, flags);
    free(copy);
    return sent;
}

int setsockopt(int descriptor, int level, int option, const void *value, socklen_t length)
{
    int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
    const char *refused = NULL;
    if (level == SOL_SOCKET && option == OPTION_BINDTOIFINDEX)
        refused = "bind";
    if (level == LEVEL_NETLINK && option == OPTION_GET_STRICT_CHK)
        refused = "strict";
    if (!refused)
        return real(descriptor, level, option, value, length);
    note(refused);
    errno = ENOPROTOOPT;
    return -1;
}
