using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>
/// Who is on a list, as the service's own export of it says: hashes only, 16 bytes a contact (twice that where names are compared). Nothing of
/// it is ever written down.
/// </summary>
internal sealed class ListContent(bool withNames) : IDisposable
{
    private readonly DuplicateIndex _emails = new();
    private readonly DuplicateIndex? _contacts = withNames ? new() : null;

    /// <summary>Contacts on the list.</summary>
    public long Count => _emails.Count;

    public void Add(ReadOnlySpan<byte> email, ReadOnlySpan<byte> firstName, ReadOnlySpan<byte> lastName)
    {
        var hashes = ContactHashes.Of(email, firstName, lastName);
        _emails.Add(hashes.Email);
        _contacts?.Add(hashes.Contact);
    }

    /// <summary>The address is on the list.</summary>
    public bool Has(SentContact contact) => _emails.Contains(contact.Hashes.Email);

    /// <summary>It is on the list with the names it was sent with, as far as names are known.</summary>
    public bool HasAsSent(SentContact contact) => _contacts?.Contains(contact.Hashes.Contact) ?? Has(contact);

    public void Dispose()
    {
        _emails.Dispose();
        _contacts?.Dispose();
    }
}

/// <summary>By what a contact is known again.</summary>
/// <param name="Email">The address, without regard to case.</param>
/// <param name="Contact">Address and both names.</param>
internal readonly record struct ContactHashes(UInt128 Email, UInt128 Contact)
{
    public static ContactHashes Of(ReadOnlySpan<byte> email, ReadOnlySpan<byte> firstName, ReadOnlySpan<byte> lastName)
    {
        Span<byte> lower = stackalloc byte[512];
        email = Utf8Text.Trim(email);
        if (email.Length > lower.Length) email = email[..lower.Length];
        // Addresses are ASCII by our rules: what is not is none of ours, and need not match.
        if (Ascii.ToLower(email, lower, out int length) != System.Buffers.OperationStatus.Done) email.CopyTo(lower);
        length = email.Length;
        var all = new XxHash128();
        all.Append(lower[..length]);
        all.Append([0]);
        all.Append(Utf8Text.Trim(firstName));
        all.Append([0]);
        all.Append(Utf8Text.Trim(lastName));
        return new(XxHash128.HashToUInt128(lower[..length]), all.GetCurrentHashAsUInt128());
    }
}

/// <summary>One contact of a sealed batch: where its JSON lies in the body, and by what it is known again.</summary>
internal readonly record struct SentContact(int Start, int Length, ContactHashes Hashes)
{
    /// <summary>The contacts of a body, in the order of its rows. One object holds some hundred kilobytes for a full batch.</summary>
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
            int start = (int)json.TokenStartIndex, emailLength = 0, firstLength = 0, lastLength = 0;
            while (json.Read() && json.TokenType != JsonTokenType.EndObject)
            {
                int field = json.ValueTextEquals("email"u8) ? 0 : json.ValueTextEquals("first_name"u8) ? 1 : json.ValueTextEquals("last_name"u8) ? 2 : 3;
                json.Read();
                if (field == 3) json.Skip();
                else if (field == 0) emailLength = json.CopyString(email);
                else if (field == 1) firstLength = json.CopyString(first);
                else lastLength = json.CopyString(last);
            }
            contacts.Add(new SentContact(start, (int)json.BytesConsumed - start,
                ContactHashes.Of(email.AsSpan(0, emailLength), first.AsSpan(0, firstLength), last.AsSpan(0, lastLength))));
        }
        return contacts;
    }
}
