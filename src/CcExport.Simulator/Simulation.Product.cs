using System.Text;
using CcExport.Simulator.State;

namespace CcExport.Simulator;

/// <summary>What people do by the links of their mails, and the users of the product in it. What changes nothing leaves no trace.</summary>
public sealed partial class Simulation
{
    /// <summary>Who joined and left which list, in order. Needs <see cref="SimulatorSwitches.KeepMemberships"/>; makes an object for each.</summary>
    public IReadOnlyList<MembershipChange> MembershipLog
    {
        get
        {
            lock (Gate)
            {
                AdvanceJobs();
                return [.. Account.Memberships.Select(e => new MembershipChange(
                    new DateTimeOffset(e.Ticks, TimeSpan.Zero), Account.EmailText(e.Contact), Account.Lists[e.List].Id, e.Joined, e.Cause,
                    e.ActivityId))];
            }
        }
    }

    /// <summary>A person leaves one list, or the owner takes her off it.</summary>
    public ContactView LeaveList(string email, string listId) => Do(email, index =>
        Account.Leave(index, KnownList(listId), Act(MembershipCause.Product)));

    /// <summary>A person is put on a list in the product; a deleted one is a contact again. Not for people who opted out.</summary>
    public ContactView JoinList(string email, string listId) => Do(email, index =>
    {
        ContactList list = KnownList(listId);
        if (list.DeletedAt is not null) throw new ArgumentException($"The list '{listId}' was deleted.", nameof(listId));
        if (Account.Contacts[index].Permission == Permission.Unsubscribed)
            throw new ArgumentException($"'{email}' has opted out of the account.", nameof(email));
        MembershipAct act = Act(MembershipCause.Product);
        Account.Revive(index, act.At);
        Account.Join(index, list, act);
    });

    /// <summary>A person opts out of the account: she is on no list any more, and imports do not add her.</summary>
    public ContactView Unsubscribe(string email) => Do(email, index =>
        Account.SetPermission(index, Permission.Unsubscribed, Act(MembershipCause.Unsubscribe)));

    /// <summary>A person who had opted out agrees again, explicitly; she is on no list. Others stay as they are.</summary>
    public ContactView Resubscribe(string email) => Do(email, index =>
    {
        if (Account.Contacts[index].Permission != Permission.Unsubscribed) return;
        MembershipAct act = Act(MembershipCause.Product);
        Account.Revive(index, act.At);
        Account.SetPermission(index, Permission.Explicit, act);
    });

    /// <summary>Values are changed in the product.</summary>
    /// <param name="email">Her address before.</param>
    /// <param name="fields">
    /// New values by the names of the import, checked as the product would; an empty one removes, those not named stay. <c>email</c> gives
    /// her another address.
    /// </param>
    public ContactView EditContact(string email, IReadOnlyDictionary<string, string> fields) => Do(email, index =>
    {
        if (Account.Contacts[index].Deleted) throw new ArgumentException($"'{email}' was deleted.", nameof(email));
        byte[]? address = fields.TryGetValue("email", out string? other) ? NewAddress(index, other) : null;
        Dictionary<string, string> values = fields.Where(f => f.Key != "email").ToDictionary();
        foreach ((string name, string value) in values)
        {
            if (Account.Fields.Find(name)?.Problem(Encoding.UTF8.GetBytes(value)) is { } problem)
                throw new ArgumentException(problem, nameof(fields));
        }

        byte[] stored = Account.Fields.Store(values);
        DateTimeOffset now = Now;
        if (address is not null) Account.Readdress(index, address, now);
        Account.Change(index, stored, now);
    });

    /// <summary>A person is deleted from the account: she is on no list, and stays known.</summary>
    public ContactView DeleteContact(string email) => Do(email, index => Account.Delete(index, Act(MembershipCause.Delete)));

    internal MembershipAct Act(MembershipCause cause) => new(Now, cause, null, _switches);

    private ContactView Do(string email, Action<int> act)
    {
        lock (Gate)
        {
            // Jobs that were due before came before.
            AdvanceJobs();
            int index = Account.Contacts.Find(Encoding.UTF8.GetBytes(email));
            if (index < 0) throw new ArgumentException($"No contact '{email}'.", nameof(email));
            act(index);
            return View(index);
        }
    }

    private ContactList KnownList(string listId) =>
        Account.List(listId) ?? throw new ArgumentException($"No list '{listId}'.", nameof(listId));

    private byte[] NewAddress(int index, string email)
    {
        byte[] address = Encoding.UTF8.GetBytes(email);
        if (!Values.IsEmail(address, 254)) throw new ArgumentException("Not a well-formed address.", nameof(email));
        int owner = Account.Contacts.Find(address);
        return owner < 0 || owner == index ? address : throw new ArgumentException($"'{email}' is taken.", nameof(email));
    }
}
