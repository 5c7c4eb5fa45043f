using System.Collections.Concurrent;

namespace CcExport.Engine.Profiles.Web;

/// <summary>The bytes of one answer. Disposing gives its memory to the next one.</summary>
internal sealed class PageBody(byte[] bytes, ConcurrentBag<byte[]> returnTo) : IDisposable
{
    private byte[]? _bytes = bytes;

    /// <summary>What slices of the page point into; valid until it is disposed.</summary>
    public byte[] Bytes => _bytes!;

    public int Length { get; set; }

    /// <summary>The answer's text, a byte order mark left out.</summary>
    public Span<byte> Text => Bytes.AsSpan(0, Length);

    /// <summary>Room for more.</summary>
    public Memory<byte> Room()
    {
        if (Length == Bytes.Length)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(Bytes.Length * 2);
            Bytes.AsSpan().CopyTo(larger);
            _bytes = larger;
        }
        return Bytes.AsMemory(Length);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes && returnTo.Count < 2) returnTo.Add(bytes);
    }
}
