#include "objects/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objects/notify_testing.h"
#include "objects/resource_json.h"
#include "store/state.h"

namespace thaw::objects {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() {
    catalog.set_now(now);
    EXPECT_TRUE(catalog.add_bucket("bkt", "p", Json::object()));
  }
  Result<Object> put(const std::string& name, const std::string& content = "",
                     const Preconditions& conditions = {}) {
    catalog.set_now(now += std::chrono::seconds(1));
    Object object{.bucket = "bkt", .name = name};
    object.content = content.empty() ? "content" + std::to_string(++contents) : content;
    object.size = 3;
    return catalog.put(object, conditions);
  }
  void set(const char* settings) {
    ASSERT_TRUE(
        catalog.change_bucket("bkt", {}, [&](const Json&) { return Json::parse(settings); }));
  }
  void change(const char* name, const char* settings) {
    ASSERT_TRUE(
        catalog.change("bkt", name, {}, {}, [&](const Json&) { return Json::parse(settings); }));
  }
  std::vector<std::string> names(ListQuery query) {
    query.bucket = "bkt";
    std::vector<std::string> all;
    for (int page = 0; page < 100; ++page) {
      const auto listing = catalog.list(query);
      EXPECT_TRUE(listing) << listing.error().message();
      for (const Object& object : listing->objects) all.push_back(object.name);
      for (const std::string& prefix : listing->prefixes) all.push_back("+" + prefix);
      if (listing->next_token.empty()) return all;
      query.token = listing->next_token;
    }
    ADD_FAILURE() << "pages without end";
    return all;
  }
  std::vector<std::string> garbage() { return *catalog.garbage(100); }

  WallTime now = *parse_rfc3339("2026-11-25T00:00:00Z");
  std::unique_ptr<store::Database> database = *store::open_state(":memory:", "now");
  NotificationList sink;
  Catalog catalog{*database, &sink};
  int contents = 0;
};

TEST_F(CatalogTest, GenerationsGrowWhateverTheClockDoes) {
  const auto first = put("a");
  now -= std::chrono::hours(24);
  const auto second = put("a");
  EXPECT_GT(second->generation, first->generation);
  Catalog again(*database, nullptr);
  again.set_now(now);
  const auto third = again.put(Object{.bucket = "bkt", .name = "a", .content = "cc"}, {});
  EXPECT_GT(third->generation, second->generation) << "also after a restart";
}

TEST_F(CatalogTest, OverwritingDropsTheOldContent) {
  ASSERT_TRUE(put("a", "c1"));
  ASSERT_TRUE(put("a", "c2"));
  EXPECT_THAT(garbage(), ElementsAre("c1"));
  EXPECT_EQ(catalog.object("bkt", "a")->content, "c2");
}

TEST_F(CatalogTest, SharedContentStaysWhileAnyObjectHasIt) {
  ASSERT_TRUE(put("a", "c1"));
  ASSERT_TRUE(put("b", "c1"));
  ASSERT_TRUE(catalog.remove("bkt", "a", {}, {}));
  EXPECT_THAT(garbage(), IsEmpty());
  ASSERT_TRUE(catalog.remove("bkt", "b", {}, {}));
  EXPECT_THAT(garbage(), ElementsAre("c1"));
}

TEST_F(CatalogTest, ConditionsAreCheckedBeforeAnythingChanges) {
  const auto object = put("a", "c1");
  EXPECT_EQ(put("a", "c2", {.generation = 0}).error().code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog.remove("bkt", "a", {}, {.generation = 1}).error().code(),
            Code::kFailedPrecondition);
  EXPECT_TRUE(put("a", "c3", {.generation = object->generation}));
  EXPECT_TRUE(put("new", "c4", {.generation = 0}));
}

TEST_F(CatalogTest, VersionsAreKeptWhereAskedFor) {
  set(R"({"versioning":{"enabled":true}})");
  const auto first = put("a", "c1");
  const auto second = put("a", "c2");
  EXPECT_EQ(catalog.object("bkt", "a", first->generation)->content, "c1");
  EXPECT_TRUE(catalog.object("bkt", "a", first->generation)->deleted);
  ASSERT_TRUE(catalog.remove("bkt", "a", {}, {}));
  EXPECT_FALSE(catalog.object("bkt", "a"));
  EXPECT_THAT(names({.which = ListQuery::Which::kVersions}), ElementsAre("a", "a"));
  EXPECT_THAT(names({}), IsEmpty());
  ASSERT_TRUE(catalog.remove("bkt", "a", first->generation, {}));
  EXPECT_THAT(garbage(), ElementsAre("c1"));
  EXPECT_EQ(catalog.remove_bucket("bkt", {}).error().code(), Code::kAborted);
}

TEST_F(CatalogTest, SoftDeletedObjectsComeBackUntilTheirTimeIsOver) {
  set(R"({"softDeletePolicy":{"retentionDurationSeconds":"604800"}})");
  const auto object = put("a", "c1");
  ASSERT_TRUE(catalog.remove("bkt", "a", {}, {}));
  EXPECT_FALSE(catalog.object("bkt", "a", object->generation));
  EXPECT_TRUE(catalog.soft_deleted("bkt", "a", object->generation));
  EXPECT_THAT(names({.which = ListQuery::Which::kSoftDeleted}), ElementsAre("a"));
  const auto restored = catalog.restore("bkt", "a", object->generation, {});
  ASSERT_TRUE(restored);
  EXPECT_GT(restored->generation, object->generation);
  EXPECT_EQ(catalog.object("bkt", "a")->content, "c1");
  EXPECT_THAT(garbage(), IsEmpty());

  ASSERT_TRUE(catalog.remove("bkt", "a", {}, {}));
  catalog.set_now(now += std::chrono::hours(24 * 8));
  ASSERT_TRUE(catalog.tidy_up(10));
  EXPECT_THAT(garbage(), ElementsAre("c1"));
  EXPECT_FALSE(catalog.restore("bkt", "a", restored->generation, {}));
}

TEST_F(CatalogTest, LifecycleDeletesByAgeAndByNewerVersions) {
  set(R"({"versioning":{"enabled":true},"lifecycle":{"rule":[
        {"action":{"type":"Delete"},"condition":{"numNewerVersions":2}},
        {"action":{"type":"Delete"},"condition":{"age":5,"matchesPrefix":["old"]}}]}})");
  ASSERT_TRUE(put("old"));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(put("many"));
  catalog.set_now(now += std::chrono::hours(24 * 6));
  const auto more = catalog.tidy_up(100);
  ASSERT_TRUE(more) << more.error().message();
  EXPECT_FALSE(catalog.object("bkt", "old")) << "a live one becomes noncurrent";
  ASSERT_TRUE(catalog.tidy_up(100));
  EXPECT_THAT(names({.which = ListQuery::Which::kVersions}), ElementsAre("many", "many"));
}

TEST_F(CatalogTest, TwoClassesOfOneLifecycleComeToRest) {
  set(R"({"lifecycle":{"rule":[
        {"action":{"type":"SetStorageClass","storageClass":"NEARLINE"},"condition":{"age":1}},
        {"action":{"type":"SetStorageClass","storageClass":"COLDLINE"},"condition":{"age":1}}]}})");
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(put(name));
  catalog.set_now(now += std::chrono::hours(24 * 2));
  int steps = 0;
  while (*catalog.tidy_up(2)) ASSERT_LT(++steps, 10) << "it goes on for ever";
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(catalog.object("bkt", name)->settings.string_or("storageClass"), "COLDLINE");
    EXPECT_EQ(catalog.object("bkt", name)->metageneration, 2) << "changed once";
  }
}

TEST_F(CatalogTest, HeldObjectsStay) {
  ASSERT_TRUE(put("a"));
  ASSERT_TRUE(catalog.change("bkt", "a", {}, {},
                             [](const Json&) { return Json::parse(R"({"temporaryHold":true})"); }));
  EXPECT_EQ(catalog.remove("bkt", "a", {}, {}).error().code(), Code::kPermissionDenied);
  EXPECT_EQ(put("a").error().code(), Code::kPermissionDenied);
}

TEST_F(CatalogTest, LifecycleLeavesHeldAndRetainedObjects) {
  set(R"({"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":1}}]},
          "retentionPolicy":{"retentionPeriod":"259200"}})");
  for (const char* name : {"held", "event", "free"}) ASSERT_TRUE(put(name));
  change("held", R"({"temporaryHold":true})");
  change("event", R"({"eventBasedHold":true})");
  catalog.set_now(now += std::chrono::hours(48));
  EXPECT_FALSE(*catalog.tidy_up(10));
  EXPECT_THAT(names({}), ElementsAre("event", "free", "held")) << "all are retained for 3 days";
  catalog.set_now(now += std::chrono::hours(48));
  EXPECT_FALSE(*catalog.tidy_up(10));
  EXPECT_THAT(names({}), ElementsAre("event", "held"));
  change("held", "{}");
  change("event", "{}");
  EXPECT_FALSE(*catalog.tidy_up(10));
  EXPECT_THAT(names({}), ElementsAre("event")) << "its period begins with the release";
  catalog.set_now(now += std::chrono::hours(72));
  EXPECT_FALSE(*catalog.tidy_up(10));
  EXPECT_THAT(names({}), IsEmpty());
}

TEST_F(CatalogTest, ObjectsStayForTheRetentionPeriod) {
  const auto early = put("a");
  set(R"({"retentionPolicy":{"retentionPeriod":"3600"}})");
  const auto object = catalog.object("bkt", "a");
  EXPECT_EQ(object->retained_until(), early->created + std::chrono::hours(1)) << "older ones too";
  EXPECT_EQ(catalog.list({.bucket = "bkt"})->objects[0].retained_until(), object->retained_until());
  EXPECT_EQ(object_json(*object, "").string_or("retentionExpirationTime"), "2026-11-25T01:00:01Z");
  const auto refused = catalog.remove("bkt", "a", {}, {});
  EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
  EXPECT_NE(refused.error().message().find("until 2026-11-25T01:00:01"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(catalog.remove("bkt", "a", early->generation, {}).error().code(),
            Code::kPermissionDenied);
  EXPECT_EQ(put("a").error().code(), Code::kPermissionDenied);
  catalog.set_now(now = early->created + std::chrono::hours(1));
  EXPECT_TRUE(put("a"));
  set("{}");
  EXPECT_TRUE(catalog.remove("bkt", "a", {}, {})) << "a policy that is not locked can go";
}

TEST_F(CatalogTest, AnEventBasedHoldComesFromTheBucketAndItsReleaseBeginsThePeriod) {
  set(R"({"defaultEventBasedHold":true,"retentionPolicy":{"retentionPeriod":"3600"}})");
  const auto made = put("a");
  EXPECT_TRUE(made->settings.bool_or("eventBasedHold", false));
  EXPECT_FALSE(made->retained_until()) << "not known before the release";
  catalog.set_now(now += std::chrono::hours(10));
  EXPECT_EQ(catalog.remove("bkt", "a", {}, {}).error().code(), Code::kPermissionDenied);
  change("a", R"({"eventBasedHold":false})");
  const auto released = catalog.object("bkt", "a");
  EXPECT_EQ(released->retained_until(), now + std::chrono::hours(1));
  EXPECT_EQ(released->settings.dump(), R"({"eventBasedHold":false})") << "nothing of ours in it";
  catalog.set_now(now += std::chrono::minutes(30));
  change("a", R"({"eventBasedHold":false,"cacheControl":"no"})");
  catalog.set_now(now += std::chrono::minutes(29));
  EXPECT_EQ(catalog.remove("bkt", "a", {}, {}).error().code(), Code::kPermissionDenied);
  catalog.set_now(now += std::chrono::minutes(1));
  EXPECT_TRUE(catalog.remove("bkt", "a", {}, {}));
  Object free{.bucket = "bkt", .name = "b", .content = "c"};
  free.settings.set("eventBasedHold", false);
  EXPECT_FALSE(catalog.put(free, {})->settings.bool_or("eventBasedHold", true)) << "as asked";
}

TEST_F(CatalogTest, ALockedRetentionPolicyCanOnlyGrow) {
  EXPECT_EQ(catalog.lock_retention("bkt", {}).error().code(), Code::kInvalidArgument)
      << "there is none";
  const auto policy = [&](const char* settings) {
    return catalog.change_bucket("bkt", {}, [&](const Json&) { return Json::parse(settings); });
  };
  const auto first = policy(R"({"retentionPolicy":{"retentionPeriod":60}})");
  const std::string since = first->settings["retentionPolicy"].string_or("effectiveTime");
  EXPECT_EQ(first->settings["retentionPolicy"].string_or("retentionPeriod"), "60");
  EXPECT_EQ(since, format_rfc3339(now));
  EXPECT_EQ(
      policy(R"({"retentionPolicy":{"retentionPeriod":"60","isLocked":true}})").error().code(),
      Code::kInvalidArgument);
  catalog.set_now(now += std::chrono::hours(1));
  EXPECT_EQ(catalog.lock_retention("bkt", {.metageneration = 1}).error().code(),
            Code::kFailedPrecondition);
  const auto locked = catalog.lock_retention("bkt", {.metageneration = 2});
  ASSERT_TRUE(locked);
  EXPECT_TRUE(locked->settings["retentionPolicy"].bool_or("isLocked", false));
  for (const char* less : {"{}", R"({"retentionPolicy":{"retentionPeriod":"59"}})"}) {
    EXPECT_EQ(policy(less).error().code(), Code::kPermissionDenied) << less;
  }
  const auto same = policy(R"({"retentionPolicy":{"retentionPeriod":"60"}})");
  EXPECT_EQ(same->settings["retentionPolicy"].string_or("effectiveTime"), since);
  const auto longer = policy(R"({"retentionPolicy":{"retentionPeriod":"61"}})");
  EXPECT_TRUE(longer->settings["retentionPolicy"].bool_or("isLocked", false)) << "it stays locked";
  EXPECT_EQ(longer->settings["retentionPolicy"].string_or("effectiveTime"), format_rfc3339(now));
}

TEST_F(CatalogTest, ListingsFoldAtTheDelimiterOverPages) {
  for (const char* name : {"a", "b/1", "b/2", "b/3/x", "c", "c/", "d/1"}) ASSERT_TRUE(put(name));
  for (const int limit : {1, 2, 3, 100}) {
    auto all = names({.delimiter = "/", .limit = limit});
    std::sort(all.begin(), all.end());
    EXPECT_THAT(all, ElementsAre("+b/", "+c/", "+d/", "a", "c")) << limit;
    all = names({.prefix = "b/", .delimiter = "/", .limit = limit});
    std::sort(all.begin(), all.end());
    EXPECT_THAT(all, ElementsAre("+b/3/", "b/1", "b/2")) << limit;
    EXPECT_THAT(names({.start = "b/2", .end = "c/", .limit = limit}),
                ElementsAre("b/2", "b/3/x", "c"));
    EXPECT_THAT(names({.glob = "b/*", .limit = limit}), ElementsAre("b/1", "b/2"));
    auto trailing =
        names({.delimiter = "/", .limit = limit, .trailing = ListQuery::Trailing::kListedToo});
    std::sort(trailing.begin(), trailing.end());
    trailing.erase(std::unique(trailing.begin(), trailing.end()), trailing.end());
    EXPECT_THAT(trailing, ElementsAre("+b/", "+c/", "+d/", "a", "c", "c/")) << limit;
  }
}

TEST_F(CatalogTest, BucketsAreUniqueAndGoOnlyEmpty) {
  EXPECT_EQ(catalog.add_bucket("bkt", "q", Json::object()).error().code(), Code::kAlreadyExists);
  ASSERT_TRUE(put("a"));
  EXPECT_EQ(catalog.remove_bucket("bkt", {}).error().code(), Code::kAborted);
  ASSERT_TRUE(catalog.remove("bkt", "a", {}, {}));
  ASSERT_TRUE(catalog.add_upload({.id = "u1", .bucket = "bkt", .name = "n", .content = "c9"}));
  EXPECT_TRUE(catalog.remove_bucket("bkt", {}));
  EXPECT_FALSE(catalog.upload("u1")) << "its uploads go with it";
  EXPECT_EQ(catalog.object("bkt", "a").error().code(), Code::kNotFound);
}

TEST_F(CatalogTest, NotificationsTellWhatReplacedWhat) {
  ASSERT_TRUE(catalog.add_notification(
      "bkt", *Json::parse(R"({"topic":"//pubsub.googleapis.com/projects/p/topics/t",
                             "payload_format":"JSON_API_V1","custom_attributes":{"k":"v"}})")));
  ASSERT_TRUE(catalog.add_notification(
      "bkt", *Json::parse(R"({"topic":"//pubsub.googleapis.com/projects/p/topics/u",
                             "payload_format":"NONE","event_types":["OBJECT_DELETE"],
                             "object_name_prefix":"a"})")));
  const auto first = put("a");
  const auto second = put("a");
  ASSERT_EQ(sink.all.size(), 4u);
  EXPECT_EQ(sink.all[0].topic, "projects/p/topics/t");
  EXPECT_EQ(sink.all[0].attributes.at("eventType"), "OBJECT_FINALIZE");
  EXPECT_EQ(sink.all[0].attributes.at("k"), "v");
  EXPECT_EQ(sink.all[0].attributes.at("objectGeneration"), std::to_string(first->generation));
  EXPECT_EQ(Json::parse(sink.all[0].data)->string_or("name"), "a");
  EXPECT_EQ(sink.all[1].attributes.at("eventType"), "OBJECT_DELETE");
  EXPECT_EQ(sink.all[1].attributes.at("overwrittenByGeneration"),
            std::to_string(second->generation));
  EXPECT_EQ(sink.all[2].topic, "projects/p/topics/u");
  EXPECT_EQ(sink.all[2].data, "");
  EXPECT_EQ(sink.all[3].attributes.at("overwroteGeneration"), std::to_string(first->generation));
  ASSERT_TRUE(put("b"));
  EXPECT_EQ(sink.all.size(), 5u) << "the second one wants names with a prefix";
}

TEST_F(CatalogTest, ARefusedMessageUndoesTheChange) {
  ASSERT_TRUE(catalog.add_notification(
      "bkt", *Json::parse(R"({"topic":"//pubsub.googleapis.com/projects/p/topics/t"})")));
  sink.fault = Error(Code::kUnavailable, "no");
  EXPECT_EQ(put("a").error().code(), Code::kUnavailable);
}

TEST_F(CatalogTest, NotificationIdsAreNotGivenTwice) {
  const Json config = *Json::parse(R"({"topic":"//pubsub.googleapis.com/projects/p/topics/t"})");
  EXPECT_EQ(catalog.add_notification("bkt", config)->string_or("id"), "1");
  ASSERT_TRUE(catalog.remove_notification("bkt", "1"));
  EXPECT_EQ(catalog.add_notification("bkt", config)->string_or("id"), "2");
  EXPECT_EQ(catalog.remove_notification("bkt", "1").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace thaw::objects
