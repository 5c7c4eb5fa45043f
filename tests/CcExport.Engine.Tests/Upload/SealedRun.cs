using System.Globalization;
using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using CcExport.Engine.Tests.ConstantContact.Support;
using CcExport.Engine.Tests.Exports;
using CcExport.Engine.Tests.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

/// <summary>A sealed run in a real journal, a scripted service, and a clock in which waiting costs nothing: for the parts that send, look and follow.</summary>
internal sealed class SealedRun : IAsyncDisposable
{
    public const string Jobs = "GET /v3/activities";

    private readonly TempHome _home = new();
    private SqliteStore _store = null!;

    public Wired Wired { get; } = new();
    public JournalTap Tap { get; private set; } = null!;
    public RunBatches Batches { get; private set; } = null!;
    public ConstantContactClient Client { get; private set; } = null!;
    public UploadOptions Options { get; init; } = new();
    public long Id { get; private set; }

    /// <param name="rows">Rows of each batch.</param>
    public static async Task<SealedRun> OpenAsync(params int[] rows)
    {
        var run = new SealedRun();
        run._store = await SqliteStore.OpenAsync(run._home.Home, TimeProvider.System, default);
        run.Tap = new JournalTap(run._store);
        IRunJournal journal = run.Tap.Runs;
        run.Id = await journal.OpenAsync(Records.Run(), default);
        for (int i = 0; i < rows.Length; i++) await journal.SealedAsync(run.Id, Records.Batch(i + 1, rows[i]), default);
        await journal.AllSealedAsync(run.Id, new RunNumbers { Batches = rows.Length }, run.Now, default);
        run.Batches = new RunBatches(journal, run.Id, await journal.GetBatchesAsync(run.Id, default));
        run.Client = run.Wired.Client();
        return run;
    }

    public DateTimeOffset Now => Wired.Time.GetUtcNow();

    public Uploader Uploader(Func<CancellationToken, Task> beforeSend, Action<string>? waiting = null)
        => new(Client, Batches, new PlainSpool(), Wired.Time, Options, beforeSend, beforeSend, () => { }, waiting ?? (_ => { }), _ => { });

    public DoubtResolver Resolver() => new(Client, Batches, Wired.Time, Options, _ => Task.CompletedTask, []);

    /// <summary>Brings a batch to the state of one whose answer was lost.</summary>
    public async Task LoseAsync(int batch, DateTimeOffset? sendingAt = null)
    {
        await Batches.SendingAsync(batch, sendingAt ?? Now, default);
        await Batches.InDoubtAsync(batch, sendingAt ?? Now, default);
    }

    public static string Job(string id, int total, DateTimeOffset created, string state = "completed") => string.Create(CultureInfo.InvariantCulture,
        $$$"""{"activity_id":"{{{id}}}","state":"{{{state}}}","created_at":"{{{created.UtcDateTime:o}}}","status":{"items_total_count":{{{total}}},"error_count":0,"correctable_count":0,"cannot_add_to_list_count":0}}""");

    /// <summary>What the listing of jobs says, look by look.</summary>
    public void Looks(params string[][] looks) => Wired.Server.Script(Jobs, [.. looks.Select(jobs => Reply.Json($$"""{"activities":[{{string.Join(',', jobs)}}]}"""))]);

    public int LooksMade => Wired.Server.To(Jobs).Length;

    /// <summary>As the journal has it, whatever memory believes.</summary>
    public async Task<BatchRecord> OnDiskAsync(int batch) => (await _store.Runs.GetBatchesAsync(Id, default)).Single(b => b.Number == batch);

    public async ValueTask DisposeAsync()
    {
        await Wired.DisposeAsync();
        await _store.DisposeAsync();
        _home.Dispose();
    }

    private sealed class PlainSpool : ISpool
    {
        public Task WriteAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct) => throw new NotSupportedException();

        public Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct)
        {
            byte[] body = Encoding.UTF8.GetBytes($$"""{"batch":{{batch}}}"""), rented = BatchMemory.Pool.Rent(body.Length);
            body.CopyTo(rented, 0);
            return Task.FromResult((rented, body.Length));
        }

        public Task<(byte[] Rented, int Length)> ReadOriginBytesAsync(int batch, CancellationToken ct) => throw new NotSupportedException();

        public void Remove(int batch) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
