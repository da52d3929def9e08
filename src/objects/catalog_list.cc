// Listings: one page of a bucket's objects, folded by a delimiter.
#include <optional>

#include "objects/catalog.h"
#include "objects/catalog_rows.h"
#include "objects/names.h"

namespace thaw::objects {
namespace {

constexpr int kMostRows = 20'000;  // looked at for one page, so that a glob does not take for ever

/// Walks over rows in order of name and fills a page.
class Page {
 public:
  Page(const ListQuery& query, std::optional<Glob> glob) : query_(query), glob_(std::move(glob)) {}

  bool is_full() const {
    return listing.objects.size() + listing.prefixes.size() >= static_cast<size_t>(query_.limit);
  }
  /// Whether an object and its folder must wait for the next page.
  bool lacks_room_for_two() const {
    const size_t have = listing.objects.size() + listing.prefixes.size();
    return have > 0 && have + 2 > static_cast<size_t>(query_.limit);
  }
  /// The folded prefix that the name belongs to, or "".
  std::string folder_of(const std::string& name) const {
    if (query_.delimiter.empty()) return "";
    const size_t at = name.find(query_.delimiter, query_.prefix.size());
    return at == std::string::npos ? "" : name.substr(0, at + query_.delimiter.size());
  }
  bool wants(const std::string& name) const { return !glob_ || glob_->matches(name); }
  bool lists_too(const std::string& name, const std::string& folder) const {
    return query_.trailing == ListQuery::Trailing::kListedToo && name == folder;
  }

  Listing listing;

 private:
  const ListQuery& query_;
  std::optional<Glob> glob_;
};

std::string first_name(const ListQuery& query, const std::optional<Glob>& glob) {
  std::string first = std::max(query.prefix, query.start);
  return glob ? std::max(first, glob->literal_prefix()) : first;
}

/// The least of the names that end the listing; "" when none does.
std::string last_name(const ListQuery& query, const std::optional<Glob>& glob) {
  std::string last = query.end;
  for (const std::string& prefix : {query.prefix, glob ? glob->literal_prefix() : std::string()}) {
    const std::string after = after_prefix(prefix);
    if (!after.empty() && (last.empty() || after < last)) last = after;
  }
  return last;
}

std::string where_of(ListQuery::Which which, bool has_last) {
  std::string where;
  switch (which) {
    case ListQuery::Which::kLive:
      where = "bucket=? AND state=0 AND name>=?";
      break;
    case ListQuery::Which::kVersions:
      where = "bucket=? AND state<2 AND (name,generation)>=(?,?)";
      break;
    case ListQuery::Which::kSoftDeleted:
      where = "bucket=? AND state=2 AND (name,generation)>=(?,?)";
      break;
  }
  if (has_last) where += " AND name<?";
  return where +
         (which == ListQuery::Which::kLive ? " ORDER BY name" : " ORDER BY name,generation");
}

}  // namespace

Result<Listing> Catalog::list(const ListQuery& query) {
  ASSIGN_OR_RETURN(const Bucket owner, bucket(query.bucket));
  std::optional<Glob> glob;
  if (!query.glob.empty()) {
    ASSIGN_OR_RETURN(glob, Glob::compile(query.glob));
  }
  Place place{.name = first_name(query, glob)};
  if (!query.token.empty()) {
    ASSIGN_OR_RETURN(Place from, parse_place(query.token));
    if (from.name >= place.name) place = std::move(from);
  }
  const std::string last = last_name(query, glob);
  const std::string sql = select_objects(where_of(query.which, !last.empty()));
  Page page(query, std::move(glob));
  int rows = 0;
  for (bool again = true; again;) {
    again = false;
    store::Query row = database_.query(sql);
    row.bind(query.bucket).bind(place.name);
    if (query.which != ListQuery::Which::kLive) row.bind(place.generation);
    if (!last.empty()) row.bind(last);
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.next());
      if (!more) break;
      const std::string name(row.text(1));
      if (page.is_full() || ++rows > kMostRows) {
        page.listing.next_token = place_token({name, row.integer(2)});
        return std::move(page.listing);
      }
      if (!page.wants(name)) continue;
      const std::string folder = page.folder_of(name);
      const bool is_both = page.lists_too(name, folder);
      if (is_both && page.lacks_room_for_two()) {
        page.listing.next_token = place_token({name, row.integer(2)});
        return std::move(page.listing);
      }
      if (folder.empty() || is_both) {
        ASSIGN_OR_RETURN(Object object, read_object(row));
        object.retention = owner.retention();
        page.listing.objects.push_back(std::move(object));
        if (folder.empty()) continue;
      }
      if (page.listing.prefixes.empty() || page.listing.prefixes.back() != folder) {
        page.listing.prefixes.push_back(folder);
      }
      // What lies in the folder is skipped by a new look into the index, unless it must be seen.
      if (is_both) continue;
      place = {.name = after_prefix(folder)};
      again = !place.name.empty();
      break;
    }
  }
  return std::move(page.listing);
}

}  // namespace thaw::objects
