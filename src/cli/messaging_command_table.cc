// Topics and subscriptions: the table of their commands.
#include "cli/command_tables.h"
#include "cli/messaging_handlers.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kProject = {
    .name = "project", .value = "PROJECT", .help = "Whose they are; thaw if not given."};

constexpr Flag kProjectFlags[] = {kProject};

constexpr Flag kSubscribeFlags[] = {
    {.name = "topic", .value = "TOPIC", .help = "What is subscribed to."},
    {.name = "push-service",
     .value = "NAME",
     .help = "Push to this service of the platform; without a push it is to be pulled.",
     .completes = Completes::kService},
    {.name = "push-path",
     .value = "PATH",
     .help = "Path and query of the push, with --push-service; / if not given."},
    {.name = "push-endpoint", .value = "URL", .help = "Push to this address."},
    {.name = "ack-deadline",
     .value = "SECONDS",
     .help = "How long a delivery may take, 10 to 600; 10 if not given."},
    {.name = "message-filter", .value = "FILTER", .help = "Only messages that it takes."},
    {.name = "enable-message-ordering", .help = "In order of publishing for each ordering key."},
    {.name = "enable-exactly-once-delivery", .help = "Nothing acknowledged comes again."},
    {.name = "dead-letter-topic",
     .value = "TOPIC",
     .help = "Where messages go that failed too often."},
    {.name = "max-delivery-attempts",
     .value = "N",
     .help = "How often that is, 5 to 100; 5 if not given."},
    kProject,
};

constexpr Flag kPublishFlags[] = {
    {.name = "attribute", .value = "KEY=VALUE", .help = "An attribute; may be given again."},
    {.name = "ordering-key", .value = "KEY", .help = "Messages of one key stay in order."},
    {.name = "lines", .help = "Each line of standard input is a message."},
    kProject,
};

constexpr Flag kPullFlags[] = {
    {.name = "limit", .value = "N", .help = "At most so many, 1 to 1000; 1 if not given."},
    {.name = "wait", .value = "TIME", .help = "Wait so long for the first one."},
    {.name = "no-ack", .help = "Leave them: they come again when their deadline is over."},
    kProject,
};

constexpr Command kCommands[] = {
    {.name = "topics create",
     .arguments = "TOPIC...",
     .summary = "Make topics",
     .flags = kProjectFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .examples = "$ thaw topics create news\n",
     .main = topics_create_command},
    {.name = "topics list",
     .summary = "List the topics",
     .flags = kProjectFlags,
     .main = topics_list_command},
    {.name = "topics delete",
     .arguments = "TOPIC...",
     .summary = "Delete topics; their subscriptions stay",
     .flags = kProjectFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = topics_delete_command},
    {.name = "subscriptions create",
     .arguments = "SUBSCRIPTION",
     .summary = "Subscribe to a topic",
     .flags = kSubscribeFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw subscriptions create reader --topic news\n"
                 "$ thaw subscriptions create caller --topic news --push-service hello\n",
     .main = subscriptions_create_command},
    {.name = "subscriptions list",
     .summary = "List the subscriptions",
     .flags = kProjectFlags,
     .main = subscriptions_list_command},
    {.name = "subscriptions describe",
     .arguments = "SUBSCRIPTION",
     .summary = "Show a subscription",
     .flags = kProjectFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .main = subscriptions_describe_command},
    {.name = "subscriptions delete",
     .arguments = "SUBSCRIPTION...",
     .summary = "Delete subscriptions with what they have not delivered",
     .flags = kProjectFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = subscriptions_delete_command},
    {.name = "publish",
     .arguments = "TOPIC [MESSAGE...]",
     .summary = "Publish messages and print their ids",
     .description = "Without a MESSAGE standard input is one. It is on the disk when the command "
                    "ends.",
     .flags = kPublishFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .examples = "$ thaw publish news 'it thaws' --attribute lang=en\n"
                 "$ seq 100 | thaw publish numbers --lines\n",
     .main = publish_command},
    {.name = "pull",
     .arguments = "SUBSCRIPTION",
     .summary = "Take messages, print and acknowledge them",
     .flags = kPullFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw pull reader --limit 10\n"
                 "$ thaw pull reader --wait 1m\n",
     .main = pull_command},
    {.name = "alerts",
     .summary = "Show what the platform stopped by itself, such as endless loops",
     .main = alerts_command},
};

}  // namespace

std::span<const Command> messaging_commands() { return kCommands; }

}  // namespace thaw::cli
