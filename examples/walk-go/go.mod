module stint.example/walk

go 1.21
