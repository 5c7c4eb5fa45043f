using System.Buffers;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>The names that a comparison with the list knows.</summary>
[Flags]
internal enum NameFields
{
    None = 0,
    First = 1,
    Last = 2,
}

/// <summary>
/// Who is on a list, as the service's own export of it says: hashes only, 16 bytes a contact and as much again for each combination of names that is
/// compared. Nothing of it is ever written down.
/// </summary>
internal sealed class ListContent(NameFields names) : IDisposable
{
    private readonly DuplicateIndex _contacts = new();

    /// <summary>The names that it can compare.</summary>
    public NameFields Names => names;

    public void Add(ReadOnlySpan<byte> email, ReadOnlySpan<byte> firstName, ReadOnlySpan<byte> lastName)
    {
        for (NameFields some = NameFields.None; some <= (NameFields.First | NameFields.Last); some++)
        {
            // A contact is compared by the names that it was sent with: those that were left out the list may have or not.
            if ((some & ~names) == 0) _contacts.Add(SentContact.HashOf(email, firstName, lastName, some));
        }
    }

    /// <summary>The address is on the list.</summary>
    public bool Has(SentContact contact) => _contacts.Contains(contact.Email);

    /// <summary>It is on the list with the names it was sent with, as far as they can be compared.</summary>
    public bool HasAsSent(SentContact contact) => _contacts.Contains((names & NameFields.First, names & NameFields.Last) switch
    {
        (NameFields.First, NameFields.Last) => contact.WithBoth,
        (NameFields.First, _) => contact.WithFirst,
        (_, NameFields.Last) => contact.WithLast,
        _ => contact.Email,
    });

    public void Dispose() => _contacts.Dispose();
}

/// <summary>One contact of a sealed batch: where its JSON lies in the body, and by what it is known again.</summary>
/// <param name="Email">Hash of the address, without regard to case.</param>
/// <param name="WithFirst">The same with the first name, if it carries one; so on.</param>
internal readonly record struct SentContact(int Start, int Length, UInt128 Email, UInt128 WithFirst, UInt128 WithLast, UInt128 WithBoth)
{
    private const int LongestAddress = 512;

    public static UInt128 HashOf(ReadOnlySpan<byte> email, ReadOnlySpan<byte> firstName, ReadOnlySpan<byte> lastName, NameFields names)
    {
        email = Utf8Text.Trim(email);
        if (email.Length > LongestAddress) email = email[..LongestAddress];
        Span<byte> lower = stackalloc byte[LongestAddress];
        // Addresses are ASCII by our rules: what is not is none of ours, and need not match.
        if (Ascii.ToLower(email, lower, out _) != OperationStatus.Done) email.CopyTo(lower);
        lower = lower[..email.Length];
        if (names == NameFields.None) return XxHash128.HashToUInt128(lower);
        var all = new XxHash128();
        all.Append(lower);
        all.Append([0, (byte)names]);
        if ((names & NameFields.First) != 0) all.Append(Utf8Text.Trim(firstName));
        all.Append([0]);
        if ((names & NameFields.Last) != 0) all.Append(Utf8Text.Trim(lastName));
        return all.GetCurrentHashAsUInt128();
    }

    /// <summary>The contacts of a body, in the order of its rows; some megabytes for a full batch.</summary>
    public static List<SentContact> In(ReadOnlySpan<byte> body)
    {
        List<SentContact> contacts = [];
        var json = new Utf8JsonReader(body);
        byte[] email = new byte[1024], first = new byte[1024], last = new byte[1024];
        while (json.Read() && json.TokenType != JsonTokenType.StartArray)
        {
        }
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            int start = (int)json.TokenStartIndex, emailLength = 0, firstLength = -1, lastLength = -1;
            while (json.Read() && json.TokenType != JsonTokenType.EndObject)
            {
                int field = json.ValueTextEquals("email"u8) ? 0 : json.ValueTextEquals("first_name"u8) ? 1 : json.ValueTextEquals("last_name"u8) ? 2 : 3;
                json.Read();
                if (field == 3) json.Skip();
                else if (field == 0) emailLength = json.CopyString(email);
                else if (field == 1) firstLength = json.CopyString(first);
                else lastLength = json.CopyString(last);
            }
            ReadOnlySpan<byte> address = email.AsSpan(0, emailLength), firstName = first.AsSpan(0, Math.Max(0, firstLength)), lastName = last.AsSpan(0, Math.Max(0, lastLength));
            NameFields has = (firstLength < 0 ? NameFields.None : NameFields.First) | (lastLength < 0 ? NameFields.None : NameFields.Last);
            contacts.Add(new SentContact(start, (int)json.BytesConsumed - start,
                HashOf(address, firstName, lastName, NameFields.None),
                HashOf(address, firstName, lastName, has & NameFields.First),
                HashOf(address, firstName, lastName, has & NameFields.Last),
                HashOf(address, firstName, lastName, has)));
        }
        return contacts;
    }
}
