#include "app/run.h"

int main(int argc, char** argv) { return thaw::app::run(argc, argv); }
