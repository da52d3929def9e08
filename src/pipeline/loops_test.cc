#include "pipeline/loops.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace thaw::pipeline {
namespace {

/// A bucket whose files go to a service with these words, which may write anywhere.
std::string loop_of(const std::string& container, const std::string& prefix = "",
                    const std::string& more = "") {
  const std::string text = fmt::format(
      "apiVersion: thaw.local/v1\nkind: Pipeline\nmetadata: {{name: p}}\n"
      "buckets: [{{name: inbox}}, {{name: outbox}}]\ntopics: [{{name: t}}, {{name: dead}}]\n"
      "notifications: [{{bucket: inbox, topic: t, object_name_prefix: '{}'}}]\n"
      "subscriptions: [{{name: s, topic: t, pushConfig: {{service: w}}{}}}]\n"
      "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {{name: w}}\n"
      "spec: {{template: {{spec: {{containers: [{{{}}}]}}}}}}\n",
      prefix, more, container);
  const auto file = parse(text, "p.yaml");
  EXPECT_TRUE(file) << file.error().message();
  return file ? fmt::format("{}", fmt::join(find_loop(*file), " -> ")) : "";
}

std::string serve(const std::string& bucket) {
  return fmt::format(
      "image: thaw.local/serve, args: ['--task', 'forecast', '--output-bucket', '{}']", bucket);
}
std::string told(const std::string& value) {
  return fmt::format(
      "image: thaw.local/host, command: [x], env: [{{name: OUTPUT_PATH, value: '{}'}}]", value);
}

TEST(Loops, AServiceThatWritesWhereItIsToldOf) {
  const std::string loop = "bucket inbox -> topic t -> service w -> bucket inbox";
  EXPECT_EQ(loop_of(serve("inbox")), loop);
  EXPECT_EQ(
      loop_of("image: thaw.local/serve, args: ['--task', 'forecast', '--output-bucket=inbox']"),
      loop);
  EXPECT_EQ(loop_of(told("inbox")), loop);
  EXPECT_EQ(loop_of(told("gs://inbox/results/")), loop);
  EXPECT_EQ(loop_of(told("t")), "topic t -> service w -> topic t");
}

TEST(Loops, OtherBucketsAndOtherPrefixesAreNone) {
  EXPECT_EQ(loop_of(serve("outbox")), "");
  EXPECT_EQ(loop_of(told("gs://outbox/in/")), "");
  EXPECT_EQ(loop_of(told("gs://inbox/results/"), "raw/"), "");
  EXPECT_NE(loop_of(told("gs://inbox/raw/results/"), "raw/"), "");
  EXPECT_NE(loop_of(serve("inbox"), "raw/"), "");  // outputs have their inputs' names
}

TEST(Loops, ATopicThatIsItsOwnDeadLetterTopic) {
  EXPECT_EQ(loop_of(serve("outbox"), "", ", deadLetterPolicy: {deadLetterTopic: t}"),
            "topic t -> topic t");
  EXPECT_EQ(loop_of(serve("outbox"), "", ", deadLetterPolicy: {deadLetterTopic: dead}"), "");
}

}  // namespace
}  // namespace thaw::pipeline
