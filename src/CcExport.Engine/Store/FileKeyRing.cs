using System.Text;

namespace CcExport.Engine.Store;

/// <summary>
/// The key ring as files of the home's folder, one an element, for their owner alone. Replacing goes in steps, so that a crash loses nothing: each
/// element is written beside its file, under a mark of this replacing, and flushed; then a list of mark and names is, which makes it valid; then each takes its
/// place. Until there is a list, what was written beside counts for nothing; from then on it counts instead of the files. By the mark a reader that has read the
/// list of one replacing does not take what the next has half written.
/// </summary>
internal sealed class FileKeyRing(CcHome home, TimeProvider time) : IKeyRingStore
{
    private const string Ending = ".xml";
    private const string Unfinished = ".new";
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private string ListFile => Path.Combine(home.KeyRingFolder, "replaced.list");

    /// <summary>Called between the steps of writing; tests end it there.</summary>
    public Action<string> Step { get; init; } = static _ => { };

    public string Place => home.KeyRingFolder;

    public async Task<IReadOnlyList<KeyRingElement>> ListAsync(CancellationToken ct)
    {
        home.EnsureCreated();
        try
        {
            // Only if nobody is at it: what another process is in the middle of is no leftover, and reads as well.
            if (HasLeftovers() && KeyRingLock.TryTake(home) is { } held)
            {
                using (held) await RepairAsync(ct).ConfigureAwait(false);
            }
            return await ReadAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"The key ring '{Place}' cannot be read by this user.",
                "Run as the user whose home it is, or give this one the right to read that folder and its files.", e)
            { Subject = Place };
        }
    }

    public Task AddAsync(string name, string xml, CancellationToken ct) => WritingAsync(async () =>
    {
        string beside = BesideOf(name, NewMark());
        await WriteBesideAsync(beside, xml, ct).ConfigureAwait(false);
        Step("added beside");
        File.Move(beside, PathOf(name));
        Durable.FlushDirectory(home.KeyRingFolder);
    });

    public Task ReplaceAsync(IReadOnlyList<KeyRingElement> elements, CancellationToken ct) => WritingAsync(async () =>
    {
        if (elements.Count == 0) throw new ArgumentException("A ring without a key reads nothing.", nameof(elements));
        var list = new Replacing(NewMark(), [.. elements.Select(e => e.Name)]);
        foreach (KeyRingElement element in elements)
        {
            await WriteBesideAsync(BesideOf(element.Name, list.Mark), element.Xml, ct).ConfigureAwait(false);
            Step("element written");
        }
        // Their names must be durable before the list says that they count.
        Durable.FlushDirectory(home.KeyRingFolder);
        string beside = ListFile + Unfinished;
        await WriteBesideAsync(beside, string.Join('\n', list.Names.Prepend(list.Mark)), ct).ConfigureAwait(false);
        Step("list written");
        File.Move(beside, ListFile, overwrite: true);
        Durable.FlushDirectory(home.KeyRingFolder);
        Step("list in force");
        // From here it is decided, and goes to its end.
        Finish(list);
    });

    public async Task<IAsyncDisposable> LockAsync(CancellationToken ct)
    {
        home.EnsureCreated();
        IDisposable held = await KeyRingLock.TakeAsync(home, time, ct).ConfigureAwait(false);
        try
        {
            await WritingAsync(() => RepairAsync(ct)).ConfigureAwait(false);
            return new Held(held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private async Task<IReadOnlyList<KeyRingElement>> ReadAsync(CancellationToken ct)
    {
        const int tries = 20;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                Replacing? list = await ReadListAsync(ct).ConfigureAwait(false);
                string[] names = list?.Names ?? FileNames();
                List<KeyRingElement> elements = [];
                foreach (string name in names.Order(StringComparer.Ordinal))
                {
                    string? xml = list is null ? null : await TryReadAsync(BesideOf(name, list.Mark), ct).ConfigureAwait(false);
                    elements.Add(new KeyRingElement(name, xml ?? await ReadTextAsync(PathOf(name), ct).ConfigureAwait(false)));
                }
                // A folder that is read while its files take others' places may show one of them not at all.
                if (list is not null || (!File.Exists(ListFile) && FileNames().SequenceEqual(names)) || attempt == tries) return elements;
            }
            catch (FileNotFoundException) when (attempt < tries)
            {
                // Another process took one out of the ring between the list and the look.
            }
        }
    }

    private async Task RepairAsync(CancellationToken ct)
    {
        if (!HasLeftovers()) return;
        if (await ReadListAsync(ct).ConfigureAwait(false) is { } list) Finish(list);
        foreach (string file in Directory.GetFiles(home.KeyRingFolder, "*" + Unfinished)) File.Delete(file);
        Durable.FlushDirectory(home.KeyRingFolder);
    }

    private void Finish(Replacing list)
    {
        foreach (string name in list.Names)
        {
            if (!File.Exists(BesideOf(name, list.Mark))) continue;
            File.Move(BesideOf(name, list.Mark), PathOf(name), overwrite: true);
            Step("element in place");
        }
        foreach (string other in FileNames().Except(list.Names, StringComparer.Ordinal))
        {
            File.Delete(PathOf(other));
            Step("other element gone");
        }
        Durable.FlushDirectory(home.KeyRingFolder);
        File.Delete(ListFile);
        Durable.FlushDirectory(home.KeyRingFolder);
    }

    private string[] FileNames() => [.. Directory.EnumerateFiles(home.KeyRingFolder, "*" + Ending).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    private bool HasLeftovers() => File.Exists(ListFile) || Directory.EnumerateFiles(home.KeyRingFolder, "*" + Unfinished).Any();

    private string PathOf(string name) => Path.Combine(home.KeyRingFolder, name + Ending);

    private string BesideOf(string name, string mark) => $"{PathOf(name)}.{mark}{Unfinished}";

    private static string NewMark() => Guid.NewGuid().ToString("N");

    private async Task<Replacing?> ReadListAsync(CancellationToken ct)
        => await TryReadAsync(ListFile, ct).ConfigureAwait(false) is { } text && text.Split('\n') is [var mark, .. var names] ? new Replacing(mark, names) : null;

    private static async Task<string?> TryReadAsync(string path, CancellationToken ct)
    {
        try
        {
            return await ReadTextAsync(path, ct).ConfigureAwait(false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static async Task<string> ReadTextAsync(string path, CancellationToken ct)
    {
        // Who replaces it meanwhile is not kept from it.
        using FileStream file = CcHome.CreateFile(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Utf8);
        return await reader.ReadToEndAsync(ct).ConfigureAwait(false);
    }

    private static async Task WriteBesideAsync(string path, string text, CancellationToken ct)
    {
        using FileStream file = CcHome.CreateFile(path, FileMode.Create, FileAccess.Write, FileShare.None);
        await file.WriteAsync(Utf8.GetBytes(text), ct).ConfigureAwait(false);
        // A secret is durable once the store says so: the key must be no less.
        file.Flush(flushToDisk: true);
    }

    private async Task WritingAsync(Func<Task> write)
    {
        try
        {
            await write().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
    }

    /// <param name="Mark">Unique for each time.</param>
    private sealed record Replacing(string Mark, string[] Names);

    private sealed class Held(IDisposable held) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            held.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
