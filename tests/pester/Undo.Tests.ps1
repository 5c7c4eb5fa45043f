# Undoing a run, as a person does it.
BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    function Set-Customers([int] $From, [int] $To, [string] $Name) {
        @('CustomerId,EMail,FirstName') + ($From..$To | ForEach-Object { "K$_,u$_@example.com,$Name$_" }) | Set-Content $Csv
    }
    Set-Customers 1 20 Old
    Set-CcExport Customers -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail'; first_name = 'FirstName' }
    function Get-Members { (Get-CcList -Connection Simulator | Where-Object ListId -EQ $Simulator.ListId).MembershipCount }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Undo-CcRun' {
    It 'says with -WhatIf what it would do, and does it by the pipeline, once' {
        $null = Invoke-CcExport Customers
        Set-Customers 11 30 New
        $run = Invoke-CcExport Customers
        $run.Accepted | Should -Be 20
        Get-Members | Should -Be 30

        $said = Join-Path $Folder 'said.txt'
        $null = Start-Transcript $said
        $run | Undo-CcRun -WhatIf | Should -BeNullOrEmpty
        $null = Stop-Transcript
        Get-Content $said -Raw | Should -BeLike "*taking 10 off list*putting the old values of 10 back*"
        Get-Members | Should -Be 30

        $undo = $run | Undo-CcRun -Confirm:$false
        $undo.Status, $undo.Trigger, $undo.Read, $undo.Sent, $undo.Removed | Should -Be 'Completed', 'Undo', 20, 10, 10
        $undo.Message | Should -Be "Undoes run $($run.Id)."
        Get-Members | Should -Be 20
        { $run | Undo-CcRun -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'UndoneAlready,CcExport.UndoCcRunCommand'
    }

    It 'cannot undo a run that kept no former values, nor one that is not there' {
        $run = Invoke-CcExport Customers -NoUndo
        { Undo-CcRun $run.Id -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'UndoNotPossible,CcExport.UndoCcRunCommand'
        { Undo-CcRun 999 -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'RunNotFound,CcExport.UndoCcRunCommand'
        (Set-CcExport Customers -NoUndo -PassThru).NoUndo | Should -BeTrue
        (Set-CcExport Customers -NoUndo:$false -PassThru).NoUndo | Should -BeFalse
    }

    It 'asks before it does anything' {
        [CcExport.UndoCcRunCommand].GetCustomAttributes([System.Management.Automation.CmdletAttribute], $true)[0].ConfirmImpact | Should -Be 'High'
    }
}
