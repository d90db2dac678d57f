/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that guests wait for are in an epoll set of our own, which the uv loop watches as one: a
 * guest may wait for what another one, or the loop itself, watches as well.
 */
#include "edge/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "os/clock.h"
#include "os/page_faults.h"

enum { EVENTS_MAX = 256, DUPLICATES_MAX = 16 };

struct loop {
    uv_loop_t *uv;
    struct fiber_pool *fibers;
    int epoll_fd;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t idle;                  /* active while the queue holds something */
    int handles;                     /* that are not closed yet */
    struct loop_task *first, **last; /* to be resumed */
    uint32_t ready;                  /* how many those are */
    struct loop_task **heap;         /* by due_ns; [0] is not used */
    size_t heap_count, heap_capacity;
};

/* ---- The queue --------------------------------------------------------------------------- */

static void resume(struct loop_task *task)
{
    struct fiber *fiber = task->fiber;
    if (!fiber_resume(fiber))
        task->fiber = NULL;
    task->after(task->env, task->fiber != NULL);
}

/* Those that are queued now; who queues itself meanwhile gets its turn after the loop's. */
static void run_queue(struct loop *loop)
{
    struct loop_task *task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    while (task != NULL) {
        struct loop_task *next = task->next;
        task->is_queued = false;
        loop->ready--;
        resume(task);
        task = next;
    }
    if (loop->first == NULL)
        uv_idle_stop(&loop->idle);
}

static void on_idle(uv_idle_t *idle)
{
    run_queue(idle->data);
}

static void enqueue(struct loop_task *task)
{
    struct loop *loop = task->loop;
    if (task->is_queued || task->is_working)
        return;
    if (loop->first == NULL)
        uv_idle_start(&loop->idle, on_idle);
    task->is_queued = true;
    task->next = NULL;
    *loop->last = task;
    loop->last = &task->next;
    loop->ready++;
}

uint32_t loop_ready(const struct loop *loop)
{
    return loop->ready;
}

void loop_wake(struct loop_task *task)
{
    if (task->fiber != NULL)
        enqueue(task);
}

/* ---- Timers ------------------------------------------------------------------------------ */

static void heap_put(struct loop *loop, size_t at, struct loop_task *task)
{
    loop->heap[at] = task;
    task->heap_at = at;
}

static void heap_up(struct loop *loop, size_t at)
{
    struct loop_task *task = loop->heap[at];
    for (; at > 1 && loop->heap[at / 2]->due_ns > task->due_ns; at /= 2)
        heap_put(loop, at, loop->heap[at / 2]);
    heap_put(loop, at, task);
}

static void heap_down(struct loop *loop, size_t at)
{
    struct loop_task *task = loop->heap[at];
    for (size_t child; (child = at * 2) <= loop->heap_count; at = child) {
        if (child < loop->heap_count && loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
            child++;
        if (loop->heap[child]->due_ns >= task->due_ns)
            break;
        heap_put(loop, at, loop->heap[child]);
    }
    heap_put(loop, at, task);
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct loop *loop)
{
    if (loop->heap_count == 0) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC), due_ns = loop->heap[1]->due_ns;
    uint64_t wait_ms = due_ns > now_ns ? (due_ns - now_ns + 999999) / 1000000 : 0;
    uv_update_time(loop->uv);
    uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

static bool timer_add(struct loop_task *task, uint64_t due_ns)
{
    struct loop *loop = task->loop;
    if (!vec_reserve(&alloc_root, &loop->heap, &loop->heap_capacity, loop->heap_count + 2,
                     sizeof(struct loop_task *)))
        return false;
    task->due_ns = due_ns;
    loop->heap[++loop->heap_count] = task;
    heap_up(loop, loop->heap_count);
    if (task->heap_at == 1)
        set_timer(loop);
    return true;
}

static void timer_remove(struct loop_task *task)
{
    struct loop *loop = task->loop;
    size_t at = task->heap_at;
    if (at == 0)
        return;
    struct loop_task *last = loop->heap[loop->heap_count--];
    task->heap_at = 0;
    if (last == task)
        return;
    heap_put(loop, at, last);
    heap_up(loop, at);
    heap_down(loop, last->heap_at);
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    while (loop->heap_count > 0 && loop->heap[1]->due_ns <= now_ns) {
        struct loop_task *task = loop->heap[1];
        timer_remove(task);
        enqueue(task);
    }
    set_timer(loop);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct loop *loop = poll->data;
    struct epoll_event ready[EVENTS_MAX];
    (void)status;
    (void)events;
    int count = epoll_wait(loop->epoll_fd, ready, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++)
        enqueue(ready[i].data.ptr);
}

/* A descriptor may be in the set once; another guest may wait for it at the same time. */
static bool watch(struct loop_task *task, struct ready_item *item, int *ret_duplicate)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.ptr = task};
    if (item->wanted & READY_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (item->wanted & READY_WRITE)
        event.events |= EPOLLOUT;
    *ret_duplicate = -1;
    if (epoll_ctl(task->loop->epoll_fd, EPOLL_CTL_ADD, item->fd, &event) == 0)
        return true;
    if (errno != EEXIST)
        return false; /* a file, or closed: poll tells what */
    int duplicate = dup(item->fd);
    if (duplicate < 0)
        return false;
    if (epoll_ctl(task->loop->epoll_fd, EPOLL_CTL_ADD, duplicate, &event) != 0) {
        close(duplicate);
        return false;
    }
    *ret_duplicate = duplicate;
    return true;
}

static enum os_error on_wait(struct waiter *waiter, struct ready_item *items, size_t count,
                             uint64_t timeout_ns, size_t *ret_ready)
{
    struct loop_task *task = (struct loop_task *)waiter;
    int few[DUPLICATES_MAX], *duplicates = few;
    bool waits = timeout_ns > 0, can_wait = waits;
    size_t watched = 0;
    if (count > DUPLICATES_MAX)
        duplicates = alloc_get(&alloc_root, count * sizeof(*duplicates));
    if (duplicates == NULL)
        return OS_NOMEM;
    for (; watched < count && can_wait; watched += can_wait) {
        duplicates[watched] = -1;
        if (items[watched].fd >= 0)
            can_wait = watch(task, &items[watched], &duplicates[watched]);
    }
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (can_wait && timeout_ns < UINT64_MAX - now_ns) /* else it is for ever */
        can_wait = timer_add(task, now_ns + timeout_ns);
    /* Where descriptors or memory are out, it looks again at its next turn, as others have theirs. */
    if (waits && !can_wait)
        enqueue(task);
    if (waits)
        fiber_suspend();
    timer_remove(task);
    for (size_t i = 0; i < watched; i++) {
        if (items[i].fd < 0)
            continue;
        int fd = duplicates[i] >= 0 ? duplicates[i] : items[i].fd;
        (void)epoll_ctl(task->loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        if (duplicates[i] >= 0)
            close(duplicates[i]);
    }
    if (duplicates != few)
        alloc_put(&alloc_root, duplicates, count * sizeof(*duplicates));
    return ready_wait(items, count, 0, ret_ready);
}

static void on_yield(struct waiter *waiter)
{
    struct loop_task *task = (struct loop_task *)waiter;
    enqueue(task);
    fiber_suspend();
}

/* ---- Work in other threads --------------------------------------------------------------- */

struct work {
    uv_work_t request;
    struct loop_task *task;
    void (*run)(void *arg);
    void *arg;
};

static void work_run(uv_work_t *request)
{
    struct work *work = request->data;
    work->run(work->arg);
}

static void work_done(uv_work_t *request, int status)
{
    struct work *work = request->data;
    (void)status;
    work->task->is_working = false;
    enqueue(work->task);
}

/* `work` stays on the fiber's stack until the thread is done with it. */
static enum os_error on_work(struct waiter *waiter, void (*run)(void *arg), void *arg)
{
    struct loop_task *task = (struct loop_task *)waiter;
    struct work work = {.task = task, .run = run, .arg = arg};
    work.request.data = &work;
    task->is_working = true;
    if (uv_queue_work(task->loop->uv, &work.request, work_run, work_done) != 0) {
        task->is_working = false;
        return OS_AGAIN;
    }
    while (task->is_working)
        fiber_suspend();
    /* It may have read from a disk into the guest's memory. */
    page_faults_elsewhere();
    return OS_OK;
}

/* ---- Tasks ------------------------------------------------------------------------------- */

void loop_task_init(struct loop_task *task, struct loop *loop, void (*after)(void *, bool),
                    void *env)
{
    *task = (struct loop_task){.waiter = {.wait = on_wait, .work = on_work, .yield = on_yield},
                               .loop = loop,
                               .after = after,
                               .env = env};
}

enum stint_status loop_start(struct loop_task *task, fiber_fn run, void *arg, bool *ret_is_alive)
{
    enum stint_status status = fiber_start(task->loop->fibers, run, arg, &task->fiber);
    if (status == STINT_OK)
        *ret_is_alive = task->fiber != NULL;
    return status;
}

/* ---- Creation ---------------------------------------------------------------------------- */

static void free_now(struct loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    fiber_pool_free(loop->fibers);
    alloc_put(&alloc_root, loop->heap, loop->heap_capacity * sizeof(struct loop_task *));
    alloc_put(&alloc_root, loop, sizeof(*loop));
}

static void on_closed(uv_handle_t *handle)
{
    struct loop *loop = handle->data;
    if (--loop->handles == 0)
        free_now(loop);
}

static enum stint_status open_handles(struct loop *loop, struct stint_error *error)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0 || uv_poll_init(loop->uv, &loop->poll, loop->epoll_fd) != 0)
        return error_set(error, STINT_IO, STINT_NO_OFFSET,
                         "no descriptors for an event loop: 'ulimit -n' allows too few");
    uv_timer_init(loop->uv, &loop->timer);
    uv_idle_init(loop->uv, &loop->idle);
    loop->handles = 3;
    loop->poll.data = loop->timer.data = loop->idle.data = loop;
    /* What waits here must not keep the loop alive: requests do. */
    uv_unref((uv_handle_t *)&loop->poll);
    if (uv_poll_start(&loop->poll, UV_READABLE, on_ready) != 0)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot watch an event loop");
    return STINT_OK;
}

enum stint_status loop_create(struct uv_loop_s *uv, const struct fiber_config *fibers,
                              struct loop **ret_loop, struct stint_error *error)
{
    struct loop *loop = alloc_get_zeroed(&alloc_root, 1, sizeof(*loop));
    if (loop == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for an event loop");
    loop->uv = uv;
    loop->epoll_fd = -1;
    loop->last = &loop->first;
    enum stint_status status = fiber_pool_create(fibers, &loop->fibers);
    if (status != STINT_OK)
        error_set(error, status, STINT_NO_OFFSET, "no memory for the stacks of guests");
    else
        status = open_handles(loop, error);
    if (status == STINT_OK)
        *ret_loop = loop;
    else
        loop_free(loop);
    return status;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->handles == 0) {
        free_now(loop);
        return;
    }
    uv_close((uv_handle_t *)&loop->poll, on_closed);
    uv_close((uv_handle_t *)&loop->timer, on_closed);
    uv_close((uv_handle_t *)&loop->idle, on_closed);
}
