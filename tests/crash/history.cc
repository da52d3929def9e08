#include "history.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::crash {
namespace {

class Judge {
 public:
  Judge(const History& history, const Found& found, size_t now)
      : history_(history), found_(found), now_(now) {}

  std::vector<std::string> all() {
    for (const Batch& batch : history_.batches) judge_batch(batch);
    judge_strangers();
    for (const auto& [name, versions] : history_.objects) judge_object(name, versions);
    for (const auto& [name, content] : found_.objects) {
      if (!history_.objects.contains(name)) complain("object {} was never asked for", name);
    }
    for (const Kept& kept : history_.uploads) judge_upload(kept);
    return std::move(complaints_);
  }

 private:
  template <class... Values>
  void complain(fmt::format_string<Values...> text, Values&&... values) {
    complaints_.push_back(fmt::format(text, std::forward<Values>(values)...));
  }

  size_t count(const std::string& subscription, const std::string& text) const {
    const auto messages = found_.messages.find(subscription);
    return messages == found_.messages.end() ? 0 : messages->second.count(text);
  }

  void judge_batch(const Batch& batch) {
    // "other" acknowledges nothing, so it shows what was published.
    const auto there = static_cast<size_t>(
        std::ranges::count_if(batch.texts, [&](const auto& t) { return count("other", t) > 0; }));
    const bool whole = there == batch.texts.size();
    if (there != 0 && !whole) {
      complain("of the batch of {} only {} messages are there", batch.texts.front(), there);
    }
    if (batch.published.is_done(now_) && !whole) {
      complain("the batch of {} was acknowledged and is lost", batch.texts.front());
    }
    if (!batch.published.is_asked(now_) && there > 0) {
      complain("the batch of {} was never asked for", batch.texts.front());
    }
    for (const std::string& text : batch.texts) judge_message(text, whole);
  }

  void judge_message(const std::string& text, bool published) {
    if (count("other", text) > 1) complain("message {} is there twice", text);
    const auto acked = history_.acknowledged.find(text);
    const bool may_be_gone = acked != history_.acknowledged.end() && acked->second.is_asked(now_);
    const bool must_be_gone = may_be_gone && acked->second.is_done(now_);
    const size_t here = count("reader", text);
    if (here > 1) complain("message {} waits twice", text);
    if (here > 0 && must_be_gone) complain("message {} was acknowledged and came again", text);
    if (here == 0 && published && !may_be_gone) complain("message {} is lost to reader", text);
    if (here > 0 && !published) complain("message {} waits and was not published", text);
    const size_t alive = count("fragile", text);
    const size_t dead = count("grave", text);
    if (alive + dead != (published ? 1 : 0)) {
      complain("message {} is {} times at fragile and {} times in its grave", text, alive, dead);
    }
    const auto buried = history_.buried.find(text);
    if (dead > 0 && (buried == history_.buried.end() || !buried->second.is_asked(now_))) {
      complain("message {} is dead and was never given up", text);
    }
  }

  void judge_strangers() {
    std::set<std::string> known;
    for (const Batch& batch : history_.batches) {
      known.insert(batch.texts.begin(), batch.texts.end());
    }
    for (const auto& [subscription, texts] : found_.messages) {
      for (const std::string& text : texts) {
        if (!known.contains(text)) complain("{} has a strange message: {:.80}", subscription, text);
      }
    }
  }

  void judge_object(const std::string& name, const std::vector<Version>& versions) {
    const auto object = found_.objects.find(name);
    const bool is_there = object != found_.objects.end();
    size_t least = 0;  // how many changes must have happened, and how many may have
    size_t most = 0;
    for (size_t i = 0; i < versions.size(); ++i) {
      if (versions[i].made.is_done(now_)) least = i + 1;
      if (versions[i].made.is_asked(now_)) most = i + 1;
    }
    for (size_t happened = least; happened <= most; ++happened) {
      const auto content = happened == 0 ? std::nullopt : versions[happened - 1].content;
      const bool same = content ? is_there && object->second == *content : !is_there;
      if (same) return judge_announcements(name, versions, happened);
    }
    complain(
        "object {} is neither as it was acknowledged nor as it was asked for ({}, {} to {} of "
        "its changes)",
        name, is_there ? fmt::format("{} bytes", object->second.size()) : "absent", least, most);
  }

  void judge_announcements(const std::string& name, const std::vector<Version>& versions,
                           size_t happened) {
    const auto wanted = std::count_if(versions.begin(), versions.begin() + happened,
                                      [](const Version& v) { return v.content.has_value(); });
    const auto told = found_.announced.find(name);
    const int got = told == found_.announced.end() ? 0 : told->second;
    if (got != wanted) {
      complain("object {} was made {} times and announced {} times", name, wanted, got);
    }
  }

  void judge_upload(const Kept& kept) {
    if (!kept.kept.is_done(now_)) return;
    const auto upload = found_.uploads.find(kept.content);
    if (upload == found_.uploads.end() || !upload->second.starts_with(kept.bytes)) {
      complain("{} bytes of upload {} were kept and are lost", kept.bytes.size(), kept.content);
    }
  }

  const History& history_;
  const Found& found_;
  size_t now_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> disagreements(const History& history, const Found& found, size_t now) {
  return Judge(history, found, now).all();
}

}  // namespace thaw::crash
