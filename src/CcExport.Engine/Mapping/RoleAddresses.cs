using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Engine.Mapping;

/// <summary>
/// Addresses that stand for a role and not for a person (<c>info@</c>), which the service's permission policy forbids to import; some of them it never
/// mails. Known by their local part alone, or by what it has before a plus sign. The list is fixed, so that equal input gives equal notes: the
/// mailboxes of RFC 2142, and what mail services commonly refuse as role addresses. Names that people have (<c>may@</c>, <c>mark@</c>) and words of
/// one language only are not on it.
/// </summary>
internal static class RoleAddresses
{
    /// <summary>The local parts, in lower case.</summary>
    public static FrozenSet<string> LocalParts { get; } = new[]
    {
        "abuse", "accounting", "accounts", "admin", "administration", "administrator", "admissions", "all", "billing", "booking", "bookings", "careers",
        "community", "compliance", "contact", "contactus", "customercare", "customerservice", "customersupport", "devnull", "dns", "donotreply",
        "editor", "enquiries", "enquiry", "events", "everyone", "feedback", "finance", "ftp", "hello", "help", "helpdesk", "hostmaster", "hr", "info",
        "information", "inquiries", "inquiry", "investorrelations", "invoice", "invoices", "it", "jobs", "legal", "list", "list-request", "mail",
        "mailer-daemon", "mailerdaemon", "maildaemon", "marketing", "media", "membership", "news", "newsletter", "no-reply", "no_reply", "nobody", "noc",
        "noreply", "null", "office", "operations", "ops", "orders", "partners", "payments", "payroll", "phish", "phishing", "postmaster", "press",
        "privacy", "purchasing", "reception", "recruiting", "recruitment", "registrar", "registration", "remove", "reservations", "returns", "root",
        "sales", "security", "service", "services", "shop", "spam", "staff", "store", "subscribe", "subscriptions", "support", "sysadmin", "team",
        "tech", "techsupport", "unsubscribe", "usenet", "users", "uucp", "volunteer", "webadmin", "webmaster", "website", "welcome", "www",
    }.ToFrozenSet(StringComparer.Ordinal);

    private const int Letters = 32;

    private static readonly int Longest = LocalParts.Max(p => p.Length);

    /// <summary>
    /// Per length of a local part, a bit for each first letter (its last five bits) that one of that length has: nearly no address gets past this. A
    /// length of 0 stands for not known, and has all bits.
    /// </summary>
    public static uint[] Masks { get; } = BuildMasks();

    private static uint[] BuildMasks()
    {
        uint[] masks = new uint[Limits.EmailLocalPart + 1];
        masks[0] = uint.MaxValue;
        foreach (string part in LocalParts) masks[part.Length] |= 1u << (part[0] % Letters);
        return masks;
    }

    /// <summary>Whether a good address in lower case is one. Every contact passes here: two nanoseconds for nearly all of them.</summary>
    /// <param name="masks"><see cref="Masks"/>, kept by the caller.</param>
    /// <param name="local">Length of the local part if it has no plus sign; else 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(ReadOnlySpan<byte> address, int local, uint[] masks) => ((masks[local] >> (address[0] % Letters)) & 1) != 0 && Has(address);

    private static bool Has(ReadOnlySpan<byte> address)
    {
        int end = address[..Math.Min(address.Length, Longest + 1)].IndexOfAny((byte)'@', (byte)'+');
        return end > 0 && LocalParts.Contains(Encoding.ASCII.GetString(address[..end]));
    }
}
