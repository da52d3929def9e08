// What time does to objects: lifecycle rules and the end of soft deletion.
#include "objects/catalog.h"
#include "objects/catalog_rows.h"
#include "objects/lifecycle.h"
#include "objects/retention.h"

namespace thaw::objects {

Result<bool> Catalog::tidy_up(int limit) {
  std::vector<Object> over;
  {
    store::Query row =
        database_.query(select_objects("state=2 AND hard_delete<=? ORDER BY hard_delete LIMIT ?"));
    row.bind(micros(now_)).bind(int64_t{limit});
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.next());
      if (!more) break;
      ASSIGN_OR_RETURN(Object object, read_object(row));
      over.push_back(std::move(object));
    }
  }
  for (const Object& object : over) RETURN_IF_ERROR(erase(object));
  bool may_be_more = std::cmp_equal(over.size(), limit);
  ASSIGN_OR_RETURN(const std::vector<Bucket> all, buckets("", "", "", INT32_MAX));
  for (const Bucket& bucket : all) {
    if (bucket.settings["lifecycle"]["rule"].is_null()) continue;
    ASSIGN_OR_RETURN(const bool more, apply_lifecycle(bucket, limit));
    may_be_more |= more;
  }
  return may_be_more;
}

/// Walks over all versions, those of one name together, newest first. What a hold or the retention
/// period keeps waits for its end.
Result<bool> Catalog::apply_lifecycle(const Bucket& bucket, int limit) {
  const Lifecycle lifecycle = Lifecycle::read(bucket.settings["lifecycle"]);
  if (lifecycle.empty()) return false;
  std::vector<std::pair<Object, Lifecycle::Action>> due;
  {
    store::Query row =
        database_.query(select_objects("bucket=? AND state<2 ORDER BY name, generation DESC"));
    row.bind(bucket.name);
    std::string name;
    std::vector<WallTime> newer;  // when each newer version came
    while (std::cmp_less(due.size(), limit)) {
      ASSIGN_OR_RETURN(const bool more, row.next());
      if (!more) break;
      ASSIGN_OR_RETURN(Object object, read_object(row));
      if (object.name != name) newer.clear();
      name = object.name;
      object.retention = bucket.retention();
      const auto action = lifecycle.judge(object, static_cast<int64_t>(newer.size()), now_);
      newer.push_back(object.created);
      const bool waits = action.kind == Lifecycle::Action::kDelete && !check_may_go(object, now_);
      if (action.kind == Lifecycle::Action::kNone || waits) continue;
      due.emplace_back(std::move(object), action);
    }
  }
  for (const auto& [object, action] : due) {
    if (action.kind == Lifecycle::Action::kDelete) {
      const bool is_live = object.state == Object::State::kLive;
      RETURN_IF_ERROR(retire(bucket, object, is_live ? Gone::kDeleted : Gone::kForGood, 0));
    } else {
      const std::string storage_class = action.storage_class;
      ASSIGN_OR_RETURN(const Object changed,
                       change(bucket.name, object.name, object.generation, {},
                              [&storage_class](Json settings) -> Result<Json> {
                                settings.set("storageClass", storage_class);
                                return settings;
                              }));
    }
  }
  return std::cmp_equal(due.size(), limit);
}

}  // namespace thaw::objects
