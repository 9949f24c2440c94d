# To be sourced by who plants bugs: names of tests that take seconds, or hours with a bug.

slow_tests=(hundred_thousand_ thousands_of_ _race_with_ stop_under_way_ change_that_comes_as_a_task)
