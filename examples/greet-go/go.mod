module stint.example/greet

go 1.24
