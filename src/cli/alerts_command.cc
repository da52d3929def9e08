// `thaw alerts`: what the platform stopped by itself.
#include "cli/api.h"
#include "cli/messaging_handlers.h"
#include "cli/table.h"

namespace thaw::cli {

Outcome<ExitCode> alerts_command(Context& context, const Words&) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json all, api.get(thaw_path("alerts")));
  const Json items = all["alerts"].is_array() ? all["alerts"] : Json::array();
  if (context.json()) return context.print_json(items);
  if (items.as_array().empty()) return context.print("No alerts.\n");
  Table table({{.title = "LAST"},
               {.title = "KIND"},
               {.title = "TIMES", .align = Align::kRight},
               {.title = "WHAT", .may_shrink = true}});
  for (const Json& alert : items.as_array()) {
    table.add_row({alert.string_or("last"), context.out.red(alert.string_or("kind")),
                   std::to_string(alert.int_or("times", 0)),
                   escape_controls(alert.string_or("message"), Keep::kNothing)});
  }
  return context.print(table.text(context.table_width(), context.out));
}

}  // namespace thaw::cli
